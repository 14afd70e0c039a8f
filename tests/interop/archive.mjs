// Package archives: a ustar tar in one zstd frame (section 2 of the protocol).
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { sha256 } from './envelope.mjs'
import { leafHash, leaves, root } from './merkle.mjs'

const BLOCK = 512

/** Packs `{ path: text }` and describes what came of it. */
export function pack (files) {
  const paths = Object.keys(files).sort()
  const entries = paths.flatMap(path => {
    const content = Buffer.from(files[path])
    return [header(path, content.length), content, Buffer.alloc(-content.length & (BLOCK - 1))]
  })
  const bytes = zstdCompressSync(Buffer.concat([...entries, Buffer.alloc(2 * BLOCK)]))
  return describe(bytes, paths.length)
}

/** What a release says of an archive. */
export function describe (bytes, files) {
  const hashes = leaves(bytes).map(leafHash)
  return { bytes, hashes, files, id: sha256(bytes), size: bytes.length, root: root(hashes) }
}

/** The files of an archive by their paths. */
export function unpack (bytes) {
  const tar = zstdDecompressSync(bytes)
  const files = new Map()
  for (let at = 0; tar[at] !== 0;) {
    const size = parseInt(text(tar, at + 124, 12), 8)
    const [name, prefix] = [text(tar, at, 100), text(tar, at + 345, 155)]
    at += BLOCK
    files.set(prefix === '' ? name : `${prefix}/${name}`, tar.subarray(at, at + size))
    at += size + (-size & (BLOCK - 1))
  }
  return files
}

const text = (tar, at, length) => tar.subarray(at, at + length).toString().replace(/\0.*$/s, '')

function header (path, size) {
  const block = Buffer.alloc(BLOCK)
  const number = (value, digits) => value.toString(8).padStart(digits, '0') + '\0'
  block.write(path, 0)
  block.write(number(0o644, 7), 100)
  block.write(number(0, 7), 108)
  block.write(number(0, 7), 116)
  block.write(number(size, 11), 124)
  block.write(number(0, 11), 136)
  block.write('        ', 148)
  block.write('0', 156)
  block.write('ustar\x0000', 257)
  block.write(number(block.reduce((sum, byte) => sum + byte, 0), 6) + ' ', 148)
  return block
}
