// A peer of another library among nodes of this program. `tests/end_to_end/interop.rs` starts the nodes and runs this.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import * as archive from './archive.mjs'
import * as blob from './blob.mjs'
import * as dht from './dht.mjs'
import { hex } from './envelope.mjs'
import * as gossip from './gossip.mjs'
import { keyOf } from './head.mjs'
import { LEAF } from './merkle.mjs'
import { start } from './peer.mjs'
import { nodeOn, until } from './program.mjs'
import * as release from './release.mjs'
import * as search from './search.mjs'
import * as sync from './sync.mjs'

const { INTEROP_HOME_ONE, INTEROP_HOME_TWO, INTEROP_ADDRESS_ONE } = process.env
const [one, two] = [nodeOn(INTEROP_HOME_ONE), nodeOn(INTEROP_HOME_TWO)]

/** The exit code of the program when something is not what was signed. */
const VERIFICATION_FAILED = 4

/** Files that no compression makes smaller than `leaves` leaves. */
const files = (name, leaves) => ({
  'gpack.toml': `[package]\nname = "${name}"\nversion = "1.0.0"\ndescription = "Random bytes"\nlicense = "MIT"\n`,
  'data/noise.bin': randomBytes(leaves * LEAF - 1000)
})

let foreign, kad, pubsub, oneId

before(async () => {
  foreign = await start();
  ({ dht: kad, pubsub } = foreign.node.services)
})

after(() => foreign.node.stop())

/** The release of `name` that was announced. */
const heard = name => until(`the announcement of ${name}`, () => foreign.heard.find(release => release.name === name))

const inCatalogue = (node, name) => until(`${name} in the catalogue`, async () => {
  const { results } = await node.verb('search', name, '--local')
  return results.find(hit => hit.name === name)
})

test('joins', async () => {
  const identified = new Promise(resolve => foreign.node.addEventListener('peer:identify', resolve, { once: true }))
  oneId = (await foreign.node.dial(multiaddr(INTEROP_ADDRESS_ONE))).remotePeer
  const { detail: { agentVersion, protocolVersion, protocols } } = await identified
  assert.match(agentVersion, /^ggen-p2p-tui\//)
  assert.equal(protocolVersion, '/ggen/1.0.0')
  for (const protocol of ['/ggen/kad/1.0.0', blob.PROTOCOL, search.PROTOCOL, sync.PROTOCOL]) assert.ok(protocols.includes(protocol), protocol)
  // The program answers one ping of a peer at a time, and js-libp2p pings when it likes.
  const pinged = () => foreign.node.services.ping.ping(oneId, { signal: AbortSignal.timeout(1000) }).then(() => true, () => false)
  await until('an answer to a ping', pinged)
  const own = foreign.node.peerId.toString()
  await until('the node to know this peer', async () => {
    const { peers } = await one.verb('peers')
    return peers.some(peer => peer.peer_id === own && peer.agent === 'foreign-peer/1.0.0')
  })
  await until('the node to take announcements', () => gossip.subscribers(pubsub).includes(oneId.toString()))
})

test('hears an announcement and verifies it', async () => {
  const published = await one.publish(files('native-pack', 20))
  const { packageId, publisher, root } = await heard('native-pack')
  assert.equal(hex(packageId), published.package_id)
  assert.equal(publisher, oneId.toString())
  assert.equal(root.length, 32)
})

test('finds by the DHT what the node has put there', async () => {
  const { id, packageId, publisher, name } = await heard('native-pack')
  const head = await until('the head', () => dht.head(kad, publisher, name).catch(() => undefined))
  assert.equal(hex(head.last), hex(id))
  assert.deepEqual(head.versions.map(({ version, pack }) => [version, hex(pack)]), [['1.0.0', hex(packageId)]])
  for (const key of [`/ggen/name/${name}`, `/ggen/blob/${hex(packageId)}`]) {
    await until(`a provider of ${key}`, async () => (await dht.providers(kad, key)).includes(publisher))
  }
})

test('searches', async () => {
  const found = await search.search(foreign.node, oneId, 'random nati', 10)
  assert.deepEqual(found.map(({ name, held }) => ({ name, held })), [{ name: 'native-pack', held: true }])
  assert.deepEqual(await search.search(foreign.node, oneId, 'nothing-like-it', 10), [])
})

test('downloads a package and holds every leaf against what was signed', async () => {
  const wanted = await heard('native-pack')
  const bytes = await blob.download(foreign.node, oneId, wanted)
  assert.ok(bytes.length > 16 * LEAF, 'more leaves than one request asks for')
  const unpacked = archive.unpack(bytes)
  assert.equal(unpacked.size, wanted.files)
  for (const [path, content] of unpacked) assert.deepEqual(content, one.published['native-pack'][path], path)
})

test('syncs: gets the whole catalogue', async () => {
  const { id } = await heard('native-pack')
  const catalogue = await sync.catalogue(foreign.node, oneId)
  assert.deepEqual(catalogue.map(release => hex(release.id)), [hex(id)])
})

test('publishes, and the node finds and installs it', async () => {
  const content = files('foreign-pack', 3)
  const packed = archive.pack(content)
  const envelope = await release.signFirst(foreign.key, { name: 'foreign-pack', version: '1.0.0', description: 'From afar' }, packed)
  foreign.shelf.set(hex(packed.id), packed)
  foreign.published.set('foreign-pack', envelope)
  await dht.provide(kad, `/ggen/blob/${hex(packed.id)}`)
  await gossip.announce(pubsub, envelope)

  const publisher = foreign.node.peerId.toString()
  assert.equal((await inCatalogue(one, 'foreign-pack')).publisher, publisher)
  const { installed: [entry] } = await one.verb('install', 'foreign-pack')
  assert.equal(entry.package_id, hex(packed.id))
  assert.deepEqual(entry.providers, [publisher])
  for (const [path, bytes] of Object.entries(content)) {
    assert.deepEqual(await readFile(join(one.home, 'packs/foreign-pack', path)), Buffer.from(bytes), path)
  }
})

test('is asked by a node that knows nobody else, over gossip, search and DHT', async () => {
  // Whom it leads to must not be known to the node by other ways.
  dht.hidePeers(kad)
  await two.verb('connect', foreign.node.getMultiaddrs()[0].toString())
  const twoId = (await two.verb('status')).peer_id
  await until('the node to take announcements', () => gossip.subscribers(pubsub).includes(twoId))

  const { results } = await two.verb('search', 'foreign')
  assert.deepEqual(results.map(({ name }) => name), ['foreign-pack'])

  await one.publish(files('passed-on-pack', 2))
  await inCatalogue(two, 'passed-on-pack')
  const { installed: [entry] } = await two.verb('install', 'passed-on-pack')
  assert.deepEqual(entry.providers, [oneId.toString()])
  const blobKey = `/ggen/blob/${entry.package_id}`
  const headKey = keyOf({ publisher: oneId.toString(), name: 'passed-on-pack' })
  const noted = wanted => foreign.asked.some(asked => Object.entries(wanted).every(([name, value]) => asked[name] === value))
  assert.ok(noted({ kind: 'add', key: blobKey, from: oneId.toString() }))
  assert.ok(noted({ kind: 'get', key: blobKey, from: twoId, found: 1 }))
  assert.ok(noted({ kind: 'value', key: headKey, from: twoId, found: 1 }))
})

test('hears of a key that is replaced', async () => {
  const old = oneId.toString()
  await one.verb('key', 'rotate')
  const { successor } = await until('the statement', () => foreign.heard.find(({ key }) => key === old))
  assert.notEqual(successor, old)
})

test('is found out when it lies', async () => {
  const packed = archive.pack(files('false-pack', 3))
  const envelope = await release.signFirst(foreign.key, { name: 'false-pack', version: '1.0.0', description: 'Not so' }, packed)
  const bytes = Buffer.from(packed.bytes)
  bytes[2 * LEAF] ^= 1
  foreign.shelf.set(hex(packed.id), { ...packed, bytes })
  await gossip.announce(pubsub, envelope)
  await inCatalogue(two, 'false-pack')
  await assert.rejects(two.verb('install', 'false-pack'), ({ code, stderr }) => {
    assert.equal(code, VERIFICATION_FAILED)
    assert.match(stderr, /leaf 2/)
    return true
  })
  const { peers } = await two.verb('peers')
  assert.ok(peers.find(peer => peer.peer_id === foreign.node.peerId.toString()).banned)
})
