// Frames of one CBOR message each (section 6 of the protocol).
import { lpStream } from '@libp2p/utils'
import { decode, encode } from './cbor.mjs'

const PATIENCE = 30_000

/** The messages of `stream`, none over `limit` bytes. */
export function frames (stream, limit) {
  const bytes = lpStream(stream, { maxDataLength: limit })
  return {
    send: message => bytes.write(encode(message)),
    receive: async () => decode((await bytes.read({ signal: AbortSignal.timeout(PATIENCE) })).subarray())
  }
}

/** Opens a stream for `ask`, which gets its frames, and closes it. */
export async function talk (node, peer, protocol, limit, ask) {
  const stream = await node.dialProtocol(peer, protocol)
  try {
    return await ask(frames(stream, limit))
  } finally {
    await stream.close()
  }
}

/** Answers each message of a stream by what `answer` gives for it, until the asker has no more. */
export async function answerAll (stream, limit, answer) {
  const asked = frames(stream, limit)
  try {
    for (;;) for await (const reply of answer(await asked.receive())) await asked.send(reply)
  } catch {
    await stream.close().catch(error => stream.abort(error))
  }
}
