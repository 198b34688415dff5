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

/** A published version of a function; it does not change. */
export interface PublishedVersion {
  readonly configuration: FunctionConfiguration
  readonly code: UploadedZip | undefined
}

/** A function in the control plane. */
export class ManagedFunction {
  /** The host's definition before any change by the control plane; absent for functions that the control plane made. */
  readonly origin: FunctionDefinition | undefined
  readonly tags = new Map<string, string>()
  readonly aliases = new Map<string, AliasConfiguration>()
  /** Provisioned concurrency by qualifier; only recorded: the local cloud starts no environments for it. */
  readonly provisioned = new Map<string, ProvisionedConcurrencyConfigListItem>()
  readonly versions: PublishedVersion[] = []
  /** URLs made by `cloud.functionUrl()`. */
  readonly urls: FunctionUrlConfig[] = []
  /** How many versions have ever been published. */
  published = 0
  reservedConcurrency: number | undefined
  /** Image of a function packaged as an image; the local cloud records such functions but does not run them. */
  imageUri: string | undefined
  #configuration: FunctionConfiguration
  /** The configuration before the last change, for stale reads. */
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

  /**
   * The latest requested configuration of `$LATEST`; while `LastUpdateStatus` is `InProgress`, the previous one still
   * runs.
   */
  get configuration(): FunctionConfiguration {
    return this.#configuration
  }

  /** Returns the configuration for a read; the first `staleReads` reads after a change get the previous one. */
  read(staleReads: number): FunctionConfiguration {
    this.#readsSince += 1
    return this.#readsSince <= staleReads ? (this.#before ?? this.#configuration) : this.#configuration
  }

  /** Absent for an image. */
  get code(): UploadedZip | undefined {
    return this.#code
  }

  /** Whether that code is the original from before any change by the control plane: a folder on this machine. */
  isOrigin(code: UploadedZip): boolean {
    return code === this.#originCode
  }

  /** @throws ControlPlaneError `ResourceConflictException` while a creation or change is in progress */
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
   * Begins a change. It completes `updateMs` later by calling `done`; if `done` throws, the change has failed. The
   * revision changes at both moments, as on Lambda.
   */
  change(
    changes: { readonly configuration?: FunctionConfiguration; readonly code?: UploadedZip },
    updateMs: number,
    done: () => void,
  ): void {
    const { configuration, code } = changes
    this.#before = this.#configuration
    this.#readsSince = 0
    // Uploading the original code again restores the original folder.
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

  /** Sets a new function to `Pending` for `updateMs`. */
  create(updateMs: number): void {
    this.#set({
      State: 'Pending',
      StateReason: 'The function is being created.',
      StateReasonCode: 'Creating',
    })
    this.#settle(updateMs, () => {})
  }

  /** Cancels a change in progress. */
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
