// Asking for packages and giving them: /ggen/blob/1.0.0 (section 6.1 of the protocol).
import { hex, sha256 } from './envelope.mjs'
import { answerAll, talk } from './frames.mjs'
import { LEAF, leafHash, leaves, root } from './merkle.mjs'

export const PROTOCOL = '/ggen/blob/1.0.0'
const MAX_REQUEST = 64
const MAX_REPLY = LEAF + 32
const AT_ONCE = 16

/** Downloads what `release` names; every leaf is held against its hash, and the hashes against the signed root. */
export function download (node, peer, release) {
  const limit = Math.max(MAX_REPLY, 32 * Math.ceil(release.size / LEAF) + 32)
  return talk(node, peer, PROTOCOL, limit, async ({ send, receive }) => {
    await send([0, release.packageId])
    const [kind, size, joined] = await receive()
    if (kind !== 0) throw new Error(`no manifest but ${kind}`)
    const hashes = Array.from({ length: joined.length / 32 }, (_, i) => joined.subarray(32 * i, 32 * i + 32))
    if (size !== release.size || hashes.length !== Math.ceil(size / LEAF)) throw new Error('another size than signed')
    if (hex(root(hashes)) !== hex(release.root)) throw new Error('another Merkle root than signed')

    const parts = []
    for (let first = 0; first < hashes.length; first += AT_ONCE) {
      const count = Math.min(AT_ONCE, hashes.length - first)
      await send([1, first, count])
      for (let i = first; i < first + count; i++) {
        const [kind, index, bytes] = await receive()
        if (kind !== 3 || index !== i) throw new Error(`not leaf ${i} but ${kind} ${index}`)
        if (hex(leafHash(bytes)) !== hex(hashes[i])) throw new Error(`leaf ${i} is another than signed`)
        parts.push(bytes)
      }
    }
    const archive = Buffer.concat(parts)
    if (hex(sha256(archive)) !== hex(release.packageId)) throw new Error('another package id than signed')
    return archive
  })
}

/** Serves the archives of `shelf`, which are kept by the hex of their ids. */
export async function serve (node, shelf) {
  await node.handle(PROTOCOL, stream => {
    let archive
    return answerAll(stream, MAX_REQUEST, function * ([kind, first, count]) {
      if (kind === 0) {
        archive = shelf.get(hex(first))
        yield archive === undefined ? [1] : [0, archive.size, Buffer.concat(archive.hashes)]
      } else if (kind === 1 && first + count <= archive?.hashes.length) {
        const all = leaves(archive.bytes)
        for (let i = first; i < first + count; i++) yield [3, i, all[i]]
      } else {
        yield [4]
      }
    })
  })
}
