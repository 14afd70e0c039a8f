// Leaves and root of an archive (section 2 of the protocol).
import { sha256 } from './envelope.mjs'

export const LEAF = 262_144

export const leafHash = bytes => sha256(Uint8Array.of(0), bytes)

export function leaves (bytes) {
  const pieces = []
  for (let at = 0; at < bytes.length; at += LEAF) pieces.push(bytes.subarray(at, at + LEAF))
  return pieces
}

export function root (hashes) {
  if (hashes.length === 1) return hashes[0]
  let half = 1
  while (half * 2 < hashes.length) half *= 2
  return sha256(Uint8Array.of(1), root(hashes.slice(0, half)), root(hashes.slice(half)))
}
