// CBOR in the deterministic encoding of RFC 8949, section 4.2.1. Maps with numbers as keys are `Map`s.
import { decode as read, encode as write, rfc8949EncodeOptions } from 'cborg'

export const encode = value => write(value, rfc8949EncodeOptions)

/** Reads one value; refuses what is not in the one encoding, or is followed by anything. */
export function decode (bytes) {
  const value = read(bytes, { useMaps: true, strict: true, allowIndefinite: false, rejectDuplicateMapKeys: true })
  if (Buffer.compare(encode(value), bytes) !== 0) throw new Error('not in the deterministic encoding')
  return value
}
