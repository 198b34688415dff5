export type { Clock } from '../core/base/clock.js'
export type { LambdaError } from '../core/base/errors.js'
export type { LogLevel } from '../core/contracts/executor.js'
export type { InvocationContext } from '../core/contracts/handler.js'
export type { Mirrored } from '../core/wire/protocol.js'
export { openRecordings, type Recordings } from './disk/recordings.js'
export { type FixtureOptions, toFixture, writeFixture } from './export/fixture.js'
export { type HarOptions, toHar } from './export/har.js'
export type { KeepOptions, RecordOptions, RecordRedactOptions } from './options.js'
export type {
  InvocationRecord,
  RecordedLog,
  RecordedOutcome,
  RecordedTiming,
  RecordHead,
} from './record.js'
export type { RecordData, RecordDataOutcome, RecordHook } from './record-data.js'
export { type Recorder, type RecorderEvents, type RecorderStatus, record } from './recorder.js'
export type { RedactOptions } from './redact/rules.js'
export type { NamePattern } from './redact/secret-names.js'
export type { HttpTrigger, Trigger } from './trigger.js'
