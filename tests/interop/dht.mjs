// The DHT (section 5 of the protocol) with js-libp2p's Kademlia.
//
// js-libp2p takes provider records for CIDs only. The keys here are text: what it asks others for goes through with a key
// in the place of a CID's multihash, but what it keeps for others has to be kept here.
import { kadDHT } from '@libp2p/kad-dht'
import { PeerSet } from '@libp2p/peer-collections'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import * as Digest from 'multiformats/hashes/digest'
import { keyOf, read as readHead } from './head.mjs'

const PATIENCE = 20_000

const bytesOf = key => new TextEncoder().encode(key)
const textOf = bytes => new TextDecoder().decode(bytes)
const asCid = key => ({ multihash: { bytes: bytesOf(key) }, toString: () => key })
const options = () => ({ signal: AbortSignal.timeout(PATIENCE) })

/** A value is a head that holds, under the key of its own package. */
async function validate (key, value) {
  if (keyOf(await readHead(value)) !== textOf(key)) throw new Error('the head of another package')
}

/** Of several heads the one signed last. */
async function select (_, values) {
  const heads = await Promise.all(values.map(value => readHead(value)))
  return heads.reduce((best, head, i) => head.signedAt > heads[best].signedAt ? i : best, 0)
}

/** The service; it serves from the beginning, and on loopback. */
export const service = kadDHT({
  protocol: '/ggen/kad/1.0.0',
  clientMode: false,
  peerInfoMapper: info => info,
  initialQuerySelfInterval: 0,
  validators: { ggen: validate },
  selectors: { ggen: select }
})

/**
 * Lets the DHT of `node` keep provider records under text keys. What it is told (`add`) and asked (`get`, and `value`) goes to
 * `log` with the key, the peer, and how much was found.
 */
export function speakText (node, log) {
  const { dht } = node.services
  const providers = new Map()
  dht.rpc.handlers.ADD_PROVIDER = {
    handle: async (from, message) => {
      const key = textOf(message.key)
      log.push({ kind: 'add', key, from: from.toString() })
      for (const { id, multiaddrs } of message.providers) {
        if (!peerIdFromMultihash(Digest.decode(id)).equals(from)) continue
        if (!providers.has(key)) providers.set(key, new PeerSet())
        providers.get(key).add(from)
        await node.peerStore.merge(from, { multiaddrs: multiaddrs.map(bytes => multiaddr(bytes)) })
      }
    }
  }
  dht.rpc.handlers.GET_PROVIDERS = {
    handle: async (from, message) => {
      const key = textOf(message.key)
      const known = await Promise.all([...providers.get(key) ?? []].map(async id => {
        const { addresses } = await node.peerStore.get(id)
        return { id, multiaddrs: addresses.map(({ multiaddr }) => multiaddr) }
      }))
      log.push({ kind: 'get', key, from: from.toString(), found: known.length })
      const closer = await dht.peerRouting.getClosestPeersOffline(message.key)
      return { type: message.type, key: message.key, closer: closer.map(onWire), providers: known.map(onWire) }
    }
  }
  const { GET_VALUE } = dht.rpc.handlers
  dht.rpc.handlers.GET_VALUE = {
    handle: async (from, message) => {
      const answer = await GET_VALUE.handle(from, message)
      log.push({ kind: 'value', key: textOf(message.key), from: from.toString(), found: answer.record === undefined ? 0 : 1 })
      return answer
    }
  }
  // What it keeps for itself would be stored under a CID.
  Object.assign(dht.providers, { addProvider: async () => {}, getProviders: async () => [] })
}

const onWire = ({ id, multiaddrs }) => ({
  id: id.toMultihash().bytes,
  multiaddrs: multiaddrs.map(address => address.bytes)
})

/** From now on `dht` tells nobody of other peers; what it keeps under a key it still gives. */
export function hidePeers (dht) {
  dht.peerRouting.getClosestPeersOffline = async () => []
}

/** Who provides `key`: peer ids as text. */
export async function providers (dht, key) {
  const found = []
  for await (const event of dht.findProviders(asCid(key), options())) {
    if (event.name === 'PROVIDER') found.push(...event.providers.map(({ id }) => id.toString()))
  }
  return found
}

/** Says to the network that this peer provides `key`. */
export async function provide (dht, key) {
  for await (const event of dht.provide(asCid(key), options())) void event
}

/** The head of a package, which the DHT's validator has held against its key. */
export async function head (dht, publisher, name) {
  let found
  for await (const event of dht.get(bytesOf(keyOf({ publisher, name })), options())) {
    if (event.name === 'VALUE') found = event.value
  }
  if (found === undefined) throw new Error(`no head of ${name}`)
  return readHead(found)
}
