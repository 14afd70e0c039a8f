// Negentropy, protocol version 1, as one says it who has nothing and wants to know of everything.

const VERSION = 0x61
const SKIP = 0
const FINGERPRINT = 1
const ID_LIST = 2
const ID = 32
const FINGERPRINT_SIZE = 16

/** What to say first: from the beginning to infinity there is nothing here. */
export const begin = () => Uint8Array.of(VERSION, 0, 0, ID_LIST, 0)

/** The ids that an answer tells, and what to say next: nothing, when the other side has told all. */
export function reconcile (message) {
  const read = reader(message)
  if (read.byte() !== VERSION) throw new Error('another version of negentropy')
  const [ids, open] = [[], []]
  for (let lower = { time: 0n, prefix: new Uint8Array() }; !read.atEnd();) {
    const upper = bound(read, lower)
    switch (read.number()) {
      case SKIP: break
      case FINGERPRINT:
        read.bytes(FINGERPRINT_SIZE)
        open.push([lower, upper])
        break
      case ID_LIST:
        for (let left = read.number(); left > 0; left--) ids.push(read.bytes(ID))
        break
      default: throw new Error('another mode of negentropy')
    }
    lower = upper
  }
  return { ids, next: open.length === 0 ? undefined : nothingWithin(open) }
}

/** Timestamps are told as the difference to the one before, and one more; 0 is infinity. */
function bound (read, before) {
  const delta = BigInt(read.number())
  const time = delta === 0n || before.time === Infinity ? Infinity : before.time + delta - 1n
  return { time, prefix: read.bytes(read.number()) }
}

/** Says of each range that there is nothing in it here, and skips what lies between. */
function nothingWithin (ranges) {
  const out = [Uint8Array.of(VERSION)]
  let told = 0n
  const say = ({ time, prefix }, ...rest) => {
    out.push(varint(time === Infinity ? 0n : time - told + 1n), varint(BigInt(prefix.length)), prefix, Uint8Array.from(rest))
    told = time
  }
  let end
  for (const [lower, upper] of ranges) {
    const beginning = lower.time === 0n && lower.prefix.length === 0
    if (lower !== end && !beginning) say(lower, SKIP)
    say(upper, ID_LIST, 0)
    end = upper
  }
  return Buffer.concat(out)
}

/** Seven bits a byte, the highest first; all bytes but the last have the highest bit. */
function varint (value) {
  const bytes = [Number(value & 0x7fn)]
  for (let rest = value >> 7n; rest > 0n; rest >>= 7n) bytes.unshift(Number(rest & 0x7fn) | 0x80)
  return Uint8Array.from(bytes)
}

function reader (bytes) {
  let at = 0
  const take = length => {
    if (at + length > bytes.length) throw new Error('a message that ends too early')
    at += length
    return bytes.subarray(at - length, at)
  }
  const byte = () => take(1)[0]
  const number = () => {
    let value = 0
    for (;;) {
      const next = byte()
      value = value * 128 + (next & 0x7f)
      if (value > Number.MAX_SAFE_INTEGER) throw new Error('a number that is too large')
      if (next < 0x80) return value
    }
  }
  return { byte, number, bytes: take, atEnd: () => at === bytes.length }
}
