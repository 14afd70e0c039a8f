// Package heads (section 3.1 of the protocol).
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { holdsNow, open } from './envelope.mjs'

const DOMAIN = 'ggen-head-v1'
const MAX_ENVELOPE = 8192

/** What an envelope says, if it is a head that holds. */
export async function read (envelope, { everywhen = false } = {}) {
  const { fields } = await open(envelope, DOMAIN, MAX_ENVELOPE)
  if (!everywhen) holdsNow(fields, 8, 9)
  return {
    publisher: publicKeyFromRaw(fields.get(2)).toString(),
    name: fields.get(3),
    sequence: fields.get(4),
    last: fields.get(5),
    versions: fields.get(6).map(([version, release, pack, withdrawn]) => ({ version, release, pack, withdrawn })),
    signedAt: fields.get(8)
  }
}

export const keyOf = ({ publisher, name }) => `/ggen/head/${publisher}/${name}`
