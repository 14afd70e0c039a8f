// A peer of the network that shares no code with the program: js-libp2p and the files beside this one.
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createLibp2p } from 'libp2p'
import * as blob from './blob.mjs'
import * as dht from './dht.mjs'
import * as gossip from './gossip.mjs'
import * as search from './search.mjs'

/** Starts it on loopback. */
export async function start () {
  const key = await generateKeyPair('Ed25519')
  const node = await createLibp2p({
    privateKey: key,
    nodeInfo: { name: 'foreign', version: '1.0.0', userAgent: 'foreign-peer/1.0.0' },
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping(), dht: dht.service, pubsub: gossip.service }
  })
  const peer = { key, node, heard: [], asked: [], shelf: new Map(), published: new Map() }
  dht.speakText(node, peer.asked)
  gossip.listen(node.services.pubsub, peer.heard)
  await blob.serve(node, peer.shelf)
  await search.serve(node, peer.published)
  return peer
}
