// The program under test: its verbs on the homes of running nodes. The environment says where all of that is.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const program = process.env.INTEROP_PROGRAM
const PATIENCE = 30_000

/** The node that runs on `home`, as its verbs show it. */
export function nodeOn (home) {
  const published = {}

  async function verb (...args) {
    const { stdout } = await run(program, ['--home', home, ...args, '--format', 'json'], { timeout: PATIENCE })
    return JSON.parse(stdout)
  }

  /** Publishes `{ path: content }`; keeps it in `published` under the name of the package. */
  async function publish (files) {
    const folder = await mkdtemp(join(tmpdir(), 'ggen-interop-'))
    try {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true })
        await writeFile(join(folder, path), content)
      }
      const answer = await verb('publish', folder)
      published[answer.name] = Object.fromEntries(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]))
      return answer
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  return { home, verb, publish, published }
}

/** Asks `condition` until it gives something. */
export async function until (what, condition) {
  const deadline = Date.now() + PATIENCE
  while (Date.now() < deadline) {
    const value = await condition()
    if (value) return value
    // The pace of asking, not a guess at how long it takes.
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`waited ${PATIENCE} ms in vain for: ${what}`)
}
