import { randomUUID } from 'node:crypto'
import type {
  AliasConfiguration,
  FunctionConfiguration,
  FunctionUrlConfig,
  ProvisionedConcurrencyConfigListItem,
} from '@aws-sdk/client-lambda'
import type { Cancel, Clock } from '../../../core/base/clock.js'
import type { FunctionDefinition } from '../../lambda/function-definition.js'
import { ControlPlaneError } from '../errors.js'
import type { UploadedZip } from './code.js'

/** A function that was published: it does not change. */
export interface PublishedVersion {
  readonly configuration: FunctionConfiguration
  readonly code: UploadedZip | undefined
}

/** A function as the control plane keeps it. */
export class ManagedFunction {
  /** What it was made of before the control plane changed anything; absent where the control plane made it. */
  readonly origin: FunctionDefinition | undefined
  readonly tags = new Map<string, string>()
  readonly aliases = new Map<string, AliasConfiguration>()
  /** Provisioned concurrency, by the qualifier that has it; the local cloud keeps it and starts nothing for it. */
  readonly provisioned = new Map<string, ProvisionedConcurrencyConfigListItem>()
  readonly versions: PublishedVersion[] = []
  /** Made by `cloud.functionUrl()`. */
  readonly urls: FunctionUrlConfig[] = []
  /** How many versions it ever had. */
  published = 0
  reservedConcurrency: number | undefined
  /** Of a function whose package is an image, which the local cloud keeps and does not run. */
  imageUri: string | undefined
  #configuration: FunctionConfiguration
  /** Before the last change, for reads that come too early. */
  #before: FunctionConfiguration | undefined
  #readsSince = 0
  #code: UploadedZip | undefined
  readonly #originCode: UploadedZip | undefined
  readonly #clock: Clock
  #cancel: Cancel = () => {}

  constructor(
    configuration: FunctionConfiguration,
    code: UploadedZip | undefined,
    clock: Clock,
    origin?: FunctionDefinition,
  ) {
    this.#clock = clock
    this.origin = origin
    this.#code = code
    this.#originCode = origin && code
    this.#configuration = { ...configuration, LastModified: this.#time(), RevisionId: randomUUID() }
  }

  get name(): string {
    return this.#configuration.FunctionName ?? ''
  }

  get arn(): string {
    return this.#configuration.FunctionArn ?? ''
  }

  /** Of `$LATEST`, as it was last asked to be; while `LastUpdateStatus` is `InProgress` it is not yet what runs. */
  get configuration(): FunctionConfiguration {
    return this.#configuration
  }

  /** What a read is told: until so many have come since a change, what was before it. */
  read(staleReads: number): FunctionConfiguration {
    this.#readsSince += 1
    return this.#readsSince <= staleReads ? (this.#before ?? this.#configuration) : this.#configuration
  }

  /** Absent for an image. */
  get code(): UploadedZip | undefined {
    return this.#code
  }

  /** Whether that code is what the function had before the control plane changed anything: a folder on this machine. */
  isOrigin(code: UploadedZip): boolean {
    return code === this.#originCode
  }

  /** @throws ControlPlaneError `ResourceConflictException` while it is being made or changed */
  checkSettled(): void {
    const { State, LastUpdateStatus, FunctionArn } = this.#configuration
    if (State === 'Pending') {
      throw conflict(
        `The operation cannot be performed at this time. The function is currently in the following state: ${State}`,
      )
    }
    if (LastUpdateStatus === 'InProgress') {
      throw conflict(
        `The operation cannot be performed at this time. An update is in progress for resource: ${FunctionArn}`,
      )
    }
  }

  /** @throws ControlPlaneError `PreconditionFailedException` for a revision that is not the latest */
  checkRevision(revisionId: string | undefined): void {
    if (revisionId === undefined || revisionId === this.#configuration.RevisionId) return
    throw new ControlPlaneError(
      'PreconditionFailedException',
      'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
    )
  }

  /**
   * Begins a change, which is over, and calls `done`, `updateMs` later; where that throws, the change has failed.
   * The revision changes at both moments, as Lambda's does.
   */
  change(
    changes: { readonly configuration?: FunctionConfiguration; readonly code?: UploadedZip },
    updateMs: number,
    done: () => void,
  ): void {
    const { configuration, code } = changes
    this.#before = this.#configuration
    this.#readsSince = 0
    // Who uploads what was there before means that.
    if (code !== undefined) this.#code = code.sha256 === this.#originCode?.sha256 ? this.#originCode : code
    this.#set({
      ...configuration,
      ...(code === undefined ? {} : { CodeSha256: code.sha256, CodeSize: code.zip.byteLength }),
      LastModified: this.#time(),
      LastUpdateStatus: 'InProgress',
      LastUpdateStatusReason: 'The function is being created.',
      LastUpdateStatusReasonCode: undefined,
    })
    this.#settle(updateMs, done)
  }

  /** A new function is `Pending` for so long. */
  create(updateMs: number): void {
    this.#set({
      State: 'Pending',
      StateReason: 'The function is being created.',
      StateReasonCode: 'Creating',
    })
    this.#settle(updateMs, () => {})
  }

  /** Forgets a change that is under way. */
  dispose(): void {
    this.#cancel()
  }

  #settle(updateMs: number, done: () => void): void {
    this.#cancel = this.#clock.schedule(updateMs, () => {
      const over = { State: 'Active', StateReason: undefined, StateReasonCode: undefined } as const
      try {
        done()
        this.#set({ ...over, LastUpdateStatus: 'Successful', LastUpdateStatusReason: undefined })
      } catch (error) {
        this.#set({
          ...over,
          LastUpdateStatus: 'Failed',
          LastUpdateStatusReason: (error as Error).message,
          LastUpdateStatusReasonCode: 'InternalError',
        })
      }
    })
  }

  #set(changes: FunctionConfiguration): void {
    this.#configuration = { ...this.#configuration, ...changes, RevisionId: randomUUID() }
  }

  #time(): string {
    return new Date(this.#clock.now()).toISOString().replace('Z', '+0000')
  }
}

function conflict(message: string): ControlPlaneError {
  return new ControlPlaneError('ResourceConflictException', message)
}
