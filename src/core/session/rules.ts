import { TetherError } from '../base/errors.js'
import type { Answer } from '../contracts/executor.js'
import type { AskMessage, InvokeMessage, StreamCreditMessage } from '../wire/protocol.js'
import { inform, part, release, run, take } from './arrivals.js'
import type { Desk, Question } from './desk.js'
import { failure, isAwaited } from './invocation.js'
import { conclude, keep } from './outcomes.js'
import type { In, Open, State } from './records.js'
import { KeptStream } from './streaming/kept-stream.js'

/** The events that can happen to an invocation, with their data. */
export interface Events {
  part: undefined
  invoke: InvokeMessage
  ask: Question
  cancel: TetherError
  credit: StreamCreditMessage
  settled: undefined
  deadline: undefined
  close: TetherError
  abandon: TetherError
  signal: TetherError
}

/** The columns of the rules. */
// biome-ignore format: one line
export const STATES = ['unknown', 'arriving', 'challenged', 'fetching', 'running', 'streaming', 'answered', 'over'] as const
type Rule<S extends State, Data> = (desk: Desk, record: In<S>, data: Data) => void
type Row<Data, States = typeof STATES> = { readonly [C in keyof States]: Rule<States[C] & State, Data> }
type Begun = In<'fetching' | 'running' | 'streaming'>

const nothing = () => {}
const forget = ({ records }: Desk, { id }: Open) => records.forget(id)
const end = ({ records }: Desk, { id }: Open | In<'unknown'>) => records.end(id)
const ack = ({ say }: Desk, { id, from, arrival }: In<'fetching' | 'running'>) => {
  if (isAwaited(arrival)) say(from, { type: 'ack', id })
}
const repeat = ({ records }: Desk, { id, answer }: In<'answered'>, message: InvokeMessage | AskMessage) => {
  const leaving = answer.again(message.type === 'ask' ? message.missing : undefined)
  if (leaving !== undefined) void records.owe(id, leaving)
}
const lost = (desk: Desk, record: In<'unknown' | 'arriving'>) => inform(desk, record, {})
const again = (_: Desk, { answer }: In<'streaming'>) => void answer.again()
const credit = (_: Desk, { answer }: In<'streaming'>, message: StreamCreditMessage) =>
  void answer.credit(message)
const settle = (_: Desk, { answer }: In<'streaming'>) => {
  answer.settled = true
}
const proceed = ({ records }: Desk, { id, answer }: In<'answered'>, message: StreamCreditMessage) => {
  const leaving = answer instanceof KeptStream ? answer.credit(message) : answer.again()
  if (leaving !== undefined) void records.owe(id, leaving)
}
// An invocation with an event still being read ends like a running one, but without its event.
const abort = (desk: Desk, record: Begun, reason: TetherError, told?: Answer) => {
  if (record.state !== 'fetching') void conclude(desk, record, reason, told)
  else run(desk, record.arrival, undefined, (_, running) => void conclude(desk, running, reason, told))
}
const stop = (desk: Desk, record: Begun, reason: TetherError) => abort(desk, record, reason, failure(reason))
const expire = (desk: Desk, record: Begun) => abort(desk, record, timeOver(record))
const refuse = (desk: Desk, record: In<'arriving'>, reason: TetherError) =>
  void keep(desk, record, reason, failure(reason))
const decline = (desk: Desk, record: In<'challenged'>) => {
  if (record.message.mirrored === undefined)
    void keep(desk, record, 'dismissed', { kind: 'decline', reason: 'it is being closed' })
  else end(desk, record)
}
const halt = ({ records }: Desk, { id, answer }: In<'answered'>) => {
  answer.stop()
  records.keep(id)
}

/**
 * The action for each event in each state. Outcomes are not listed: the invocation itself passes them on, and in any
 * state but `running` they are late.
 */
// biome-ignore format: read by its columns
export const RULES: { readonly [Event in keyof Events]: Row<Events[Event]> } = {
  //         unknown  arriving  challenged  fetching  running  streaming  answered  over
  part:     [part,    part,     nothing,    nothing,  nothing, nothing,   nothing,  nothing], // a part has arrived
  invoke:   [take,    take,     take,       ack,      ack,     again,     repeat,   nothing],
  ask:      [inform,  inform,   release,    ack,      ack,     again,     repeat,   nothing],
  credit:   [lost,    lost,     nothing,    ack,      ack,     credit,    proceed,  nothing], // of a stream
  cancel:   [end,     end,      end,        abort,    abort,   abort,     end,      nothing], // the stub has given up
  settled:  [nothing, nothing,  nothing,    nothing,  nothing, settle,    end,      nothing], // the stub has the answer
  deadline: [nothing, forget,   forget,     expire,   expire,  expire,    end,      nothing], // the time of the state is over
  close:    [nothing, refuse,   decline,    nothing,  nothing, nothing,   nothing,  nothing], // the session takes nothing new
  abandon:  [nothing, end,      end,        abort,    abort,   abort,     halt,     nothing], // another session has the name
  signal:   [nothing, refuse,   decline,    stop,     stop,    stop,      halt,     nothing], // the signal of close() has fired
}

/** Applies the rule for an event. */
export function apply<E extends keyof Events>(
  desk: Desk,
  event: E,
  record: In<State>,
  data: Events[E],
): void {
  const rule = RULES[event][STATES.indexOf(record.state)] as Rule<State, Events[E]>
  rule(desk, record, data)
}

function timeOver({ id, arrival }: Begun): TetherError {
  const { functionId, remainingMs } = arrival.message
  const had = `had ${Math.round(remainingMs)} ms when it arrived and no answer by then`
  return new TetherError('DEADLINE', `Invocation ${id} of '${functionId}' ${had}.`)
}
