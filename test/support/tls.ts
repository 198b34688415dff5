import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A certificate authority with one server (localhost, broker.test, 127.0.0.1) and one client. */
export interface Certificates extends AsyncDisposable {
  readonly ca: string
  readonly serverCert: string
  readonly serverKey: string
  readonly clientCert: string
  readonly clientKey: string
  /** The same, as files for another process. */
  readonly files: { readonly ca: string; readonly serverCert: string; readonly serverKey: string }
}

/** Makes certificates with openssl, in a folder that goes with them. */
export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'lambda-tether-tls-'))
  await chmod(folder, 0o755)
  const path = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => promisify(execFile)('openssl', args, { cwd: folder })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '2',
    '-subj',
    '/CN=ca',
  )
  const sign = async (name: string, extensions: string) => {
    await openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    await writeFile(path(`${name}.ext`), extensions)
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2']
    await openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...by,
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.crt`,
    )
    // A broker started as root reads it as another user.
    await chmod(path(`${name}.key`), 0o644)
  }
  await sign('server', 'subjectAltName=DNS:localhost,DNS:broker.test,IP:127.0.0.1')
  await sign('client', 'extendedKeyUsage=clientAuth')
  const read = (name: string) => readFile(path(name), 'utf8')
  return {
    ca: await read('ca.crt'),
    serverCert: await read('server.crt'),
    serverKey: await read('server.key'),
    clientCert: await read('client.crt'),
    clientKey: await read('client.key'),
    files: { ca: path('ca.crt'), serverCert: path('server.crt'), serverKey: path('server.key') },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
