import { type Check, checkOptions, mustBe, required } from '../core/base/options.js'
import { checkPart } from '../core/contracts/transport.js'
import { ANY_FUNCTION } from '../core/wire/derivation.js'
import { checkRootKey, rootKey, StageKeys } from '../core/wire/root-key.js'

/** Matches any function of a stage. */
export const ANY_FUNCTION_ID = '*'

/** Input of {@link stubKey}. */
export interface StubKeyOptions {
  readonly app: string
  readonly stage: string
  /** The session's key, made by `generateKey()`. It does not leave the developer's side. */
  readonly key: string | Uint8Array
  /**
   * The session's name for the function: the key works for this function only. `'*'` makes a key for the whole stage;
   * with it, anyone can invoke any function and read the invocations of all functions without a key of their own.
   */
  readonly functionId: string
}

/**
 * Derives a function's key for `createStub({ key })`: 149 characters that begin with `lts2_`. The same options make the
 * same key.
 * @throws TetherError `INVALID_OPTION`; the message never holds a key
 */
export function stubKey(options: StubKeyOptions): string {
  const { app, stage, key, functionId } = checkOptions('stubKey', options, {
    app: required(checkPart),
    stage: required(checkPart),
    key: required(checkRootKey),
    functionId: required(checkFunctionId),
  })
  const keys = new StageKeys(rootKey('key', key), { app, stage })
  return keys.stubKeyText(functionId === ANY_FUNCTION_ID ? ANY_FUNCTION : keys.tagOf(functionId))
}

/** Checks `functionId`, which has no default. */
export const checkFunctionId: Check = (name, value) =>
  mustBe(
    `what the session knows the function as, or '${ANY_FUNCTION_ID}' for a key of all functions`,
    typeof value === 'string' && value !== '',
    name,
    value,
  )
