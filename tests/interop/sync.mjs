// Asking for a whole catalogue: /ggen/sync/1.0.0 (section 6.2 of the protocol).
import { talk } from './frames.mjs'
import { begin, reconcile } from './negentropy.mjs'
import * as release from './release.mjs'
import * as statement from './statement.mjs'

export const PROTOCOL = '/ggen/sync/1.0.0'
const MAX_MESSAGE = 262_720
const AT_ONCE = 64
const [NEGENTROPY, WANTED, ENVELOPES] = [0, 1, 2]

/** All releases and key statements of `peer` that verify. */
export function catalogue (node, peer) {
  return talk(node, peer, PROTOCOL, MAX_MESSAGE, async ({ send, receive }) => {
    const ask = async (message, kind) => {
      await send(message)
      const [answer, content] = await receive()
      if (answer !== kind) throw new Error(`not ${kind} but ${answer}`)
      return content
    }
    const ids = []
    for (let next = begin(); next !== undefined;) {
      const answer = reconcile(await ask([NEGENTROPY, next], NEGENTROPY))
      ids.push(...answer.ids)
      next = answer.next
    }
    const found = []
    for (let first = 0; first < ids.length; first += AT_ONCE) {
      const wanted = Buffer.concat(ids.slice(first, first + AT_ONCE))
      for (const envelope of await ask([WANTED, wanted], ENVELOPES)) {
        const { read } = statement.isMeant(envelope) ? statement : release
        found.push(await read(envelope))
      }
    }
    return found
  })
}
