// Key statements: a key names its successor or withdraws itself (section 3.2 of the protocol).
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { decode } from './cbor.mjs'
import { hex, isSigned, sha256 } from './envelope.mjs'

const DOMAIN = 'ggen-key-v1'
const ACCEPT_DOMAIN = 'ggen-key-accept-v1'
const MAX_ENVELOPE = 1024
const ROTATION = 1

/** Whether an announcement is one, by its first byte. */
export const isMeant = envelope => envelope[0] === 0x84

/** What an envelope says, if it is a statement that holds. */
export async function read (envelope) {
  if (envelope.length > MAX_ENVELOPE) throw new Error(`over ${MAX_ENVELOPE} bytes`)
  const [payload, key, signature, countersignature] = decode(envelope)
  const fields = decode(payload)
  if (fields.get(0) !== 1 || fields.get(1) !== 'ggen') throw new Error('of another format or network')
  if (hex(fields.get(2)) !== hex(key)) throw new Error('about another key than the one that signed it')
  if (!await isSigned(key, DOMAIN, payload, signature)) throw new Error('a wrong signature')
  const successor = fields.get(5)
  const accepted = fields.get(3) === ROTATION
    ? await isSigned(successor, ACCEPT_DOMAIN, payload, countersignature)
    : countersignature.length === 0
  if (!accepted) throw new Error('a wrong second signature')
  const named = raw => raw === undefined ? undefined : publicKeyFromRaw(raw).toString()
  return { id: sha256(payload), key: named(key), successor: named(successor), reason: fields.get(6) }
}
