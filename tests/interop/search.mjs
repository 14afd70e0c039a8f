// Asking peers for packages and being asked: /ggen/search/1.0.0 (section 6.3 of the protocol).
import { answerAll, talk } from './frames.mjs'
import { read } from './release.mjs'

export const PROTOCOL = '/ggen/search/1.0.0'
const MAX_REQUEST = 272
const MAX_REPLY = 4112

/** The releases that `peer` finds for `text`, best first, each with whether it holds the bytes. */
export function search (node, peer, text, limit) {
  return talk(node, peer, PROTOCOL, MAX_REPLY, async ({ send, receive }) => {
    await send([text, limit])
    const found = []
    for (;;) {
      const [kind, envelope, held] = await receive()
      if (kind === 1) return found
      if (kind !== 0 || found.length === limit) throw new Error(`not a result but ${kind}`)
      found.push({ ...await read(envelope), held })
    }
  })
}

/** Answers with those of `published` (envelopes by package name) whose names hold every word. */
export async function serve (node, published) {
  await node.handle(PROTOCOL, stream => answerAll(stream, MAX_REQUEST, function * ([text, limit]) {
    const words = text.toLowerCase().split(/\s+/)
    const found = [...published].filter(([name]) => words.every(word => name.includes(word)))
    for (const [, envelope] of found.slice(0, limit)) yield [0, envelope, true]
    yield [1]
  }))
}
