// The test vectors of docs/PROTOCOL.md, read and written by code that shares nothing with the program.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { generateKeyPairFromSeed, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { decode } from './cbor.mjs'
import { hex, seal } from './envelope.mjs'
import * as head from './head.mjs'
import * as release from './release.mjs'
import * as statement from './statement.mjs'

const page = readFileSync(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8')

/** The lines `name: value` below the heading of a test vector. */
function vectors (title) {
  const [, block] = page.match(new RegExp(`### Test vectors?: ${title}\\n\\n\`\`\`text\\n(.*?)\`\`\``, 's'))
  return block.trim().split('\n').map(line => line.split(': '))
}

const vector = title => Object.fromEntries(vectors(title))
const bytes = text => new Uint8Array(Buffer.from(text, 'hex'))
const everywhen = { everywhen: true }
const key = () => generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(7))

test('keys', async () => {
  const lines = vectors('keys').filter(([name]) => name !== '')
  for (let at = 0; at < lines.length; at += 4) {
    const [secret, raw, publisher, file] = lines.slice(at, at + 4).map(([, value]) => value)
    const key = await generateKeyPairFromSeed('Ed25519', bytes(secret))
    assert.equal(hex(key.publicKey.raw), raw)
    assert.equal(key.publicKey.toString(), publisher)
    assert.equal(hex(privateKeyToProtobuf(key)), file)
  }
})

for (const title of ['release', 'yank']) {
  test(title, async () => {
    const { payload, envelope, 'release id': id } = vector(title)
    const { id: read, yanked } = await release.read(bytes(envelope), everywhen)
    assert.equal(hex(read), id)
    assert.equal(yanked !== undefined, title === 'yank')
    assert.equal(hex(await seal(await key(), 'ggen-release-v1', decode(bytes(payload)))), envelope)
  })
}

test('head', async () => {
  const { payload, envelope, 'DHT key': where } = vector('head')
  assert.equal(head.keyOf(await head.read(bytes(envelope), everywhen)), where)
  assert.equal(hex(await seal(await key(), 'ggen-head-v1', decode(bytes(payload)))), envelope)
})

for (const title of ['rotation', 'revocation']) {
  test(title, async () => {
    const { envelope, 'statement id': id } = vector(title)
    const { id: read, successor, reason } = await statement.read(bytes(envelope))
    assert.equal(hex(read), id)
    assert.ok(successor !== undefined)
    assert.equal(reason !== undefined, title === 'revocation')
  })
}

test('a byte that is another is noticed anywhere', async () => {
  const envelope = bytes(vector('release').envelope)
  for (let at = 0; at < envelope.length; at++) {
    const changed = envelope.slice()
    changed[at] ^= 1
    await assert.rejects(release.read(changed, everywhen), `byte ${at}`)
  }
})
