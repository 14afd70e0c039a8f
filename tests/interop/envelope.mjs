// What is signed: an array of a payload, the key and its signature (sections 3 and 3.1 of the protocol).
import { createHash } from 'node:crypto'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { decode, encode } from './cbor.mjs'

export const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()

export const hex = bytes => Buffer.from(bytes).toString('hex')

const signedBytes = (domain, payload) => Buffer.concat([Buffer.from(`${domain}\0`), payload])

/** Whether `key` signed the payload. */
export const isSigned = (key, domain, payload, signature) => publicKeyFromRaw(key).verify(signedBytes(domain, payload), signature)

/** The envelope of a payload, a `Map`. */
export async function seal (key, domain, fields) {
  const payload = encode(fields)
  return encode([payload, key.publicKey.raw, await key.sign(signedBytes(domain, payload))])
}

/** The fields of an envelope and the id of its payload, if its publisher (field 2) signed it. */
export async function open (envelope, domain, limit) {
  if (envelope.length > limit) throw new Error(`over ${limit} bytes`)
  const [payload, key, signature, ...rest] = decode(envelope)
  if (rest.length > 0) throw new Error('more than three parts')
  if (!await isSigned(key, domain, payload, signature)) throw new Error('a wrong signature')
  const fields = decode(payload)
  if (fields.get(0) !== 1) throw new Error(`format version ${fields.get(0)}`)
  if (hex(fields.get(2)) !== hex(key)) throw new Error('signed by another key than its publisher')
  return { fields, id: sha256(payload) }
}

/** Throws unless it is of this network and of this time, as its fields `from` and `to` have it. */
export function holdsNow (fields, from, to) {
  const now = Date.now() / 1000
  if (fields.get(1) !== 'ggen') throw new Error(`of the network ${fields.get(1)}`)
  if (fields.get(from) > now + 600 || fields.get(to) <= now) throw new Error('not of this time')
}
