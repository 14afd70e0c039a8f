// Announcements (section 4 of the protocol) over js-libp2p's gossipsub.
import { gossipsub, TopicValidatorResult } from '@libp2p/gossipsub'
import { sha256 } from './envelope.mjs'
import * as release from './release.mjs'
import * as statement from './statement.mjs'

const TOPIC = '/ggen/packages/v1'

export const service = gossipsub({
  globalSignaturePolicy: 'StrictNoSign',
  msgIdFn: message => sha256(message.data),
  maxInboundDataLength: 8192,
  emitSelf: false
})

/** Takes announcements; those that verify go to `heard`, and on to others. */
export function listen (pubsub, heard) {
  pubsub.topicValidators.set(TOPIC, async (_, message) => {
    try {
      const { read } = statement.isMeant(message.data) ? statement : release
      heard.push(await read(message.data))
      return TopicValidatorResult.Accept
    } catch {
      return TopicValidatorResult.Reject
    }
  })
  pubsub.subscribe(TOPIC)
}

/** Announces an envelope. */
export const announce = (pubsub, envelope) => pubsub.publish(TOPIC, envelope)

/** Peers that take announcements. */
export const subscribers = pubsub => pubsub.getSubscribers(TOPIC).map(peer => peer.toString())
