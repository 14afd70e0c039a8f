// Releases (section 3 of the protocol).
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { holdsNow, open, seal } from './envelope.mjs'

const DOMAIN = 'ggen-release-v1'
const MAX_ENVELOPE = 4096
const YEAR = 31_536_000

/** Signs the first release of a package and gives its envelope. `archive` is `{ id, size, root, files }`. */
export function signFirst (key, { name, version, description }, archive) {
  const now = Math.floor(Date.now() / 1000)
  return seal(key, DOMAIN, new Map([
    [0, 1], [1, 'ggen'], [2, key.publicKey.raw], [3, name], [4, version],
    [5, archive.id], [6, archive.size], [7, archive.root],
    [8, description], [9, 'interop'], [10, ['foreign']], [11, []], [12, 'MIT'], [13, ''], [14, []],
    [15, archive.files], [16, 1], [18, now], [19, now + YEAR]
  ]))
}

/** What an envelope says, if it is a release that holds. */
export async function read (envelope, { everywhen = false } = {}) {
  const { fields, id } = await open(envelope, DOMAIN, MAX_ENVELOPE)
  if (!everywhen) holdsNow(fields, 18, 19)
  return {
    id,
    publisher: publicKeyFromRaw(fields.get(2)).toString(),
    name: fields.get(3),
    version: fields.get(4),
    packageId: fields.get(5),
    size: fields.get(6),
    root: fields.get(7),
    files: fields.get(15),
    sequence: fields.get(16),
    yanked: fields.get(20)
  }
}
