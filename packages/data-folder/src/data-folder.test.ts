import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CannotRun } from '@signalbox/service';
import BetterSqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  isStoreFailure,
  limitLog,
  openDataFolder,
  protectDatabase,
  storeFailureOf,
  takeLock,
} from './index.js';
import { isMountPoint } from './mount.js';

const distFile = resolve(import.meta.dirname, '../dist/index.js');

const modeOf = (path: string): number => statSync(path).mode & 0o777;

let root: string;
let umask: number;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'signalbox-data-'));
  umask = process.umask(0);
});
afterEach(() => {
  process.umask(umask);
  rmSync(root, { recursive: true, force: true });
});

describe('the data folder', () => {
  test('is made for its owner alone, whatever the umask', () => {
    openDataFolder(join(root, 'a/b'));
    expect([modeOf(join(root, 'a')), modeOf(join(root, 'a/b'))]).toEqual([0o700, 0o700]);
  });

  test('is closed where it is ours and open to others', () => {
    const folder = join(root, 'data');
    mkdirSync(join(folder, 'nats'), { recursive: true, mode: 0o755 });
    for (const name of ['api.sqlite-wal', 'orchestrator.sqlite', 'orchestrator.sqlite.lock', 'dev.lock'])
      writeFileSync(join(folder, name), '');
    openDataFolder(folder);
    expect(modeOf(folder)).toBe(0o700);
  });

  test('is refused where others have things in it, with what to do, and is left as it is', () => {
    chmodSync(root, 0o755);
    writeFileSync(join(root, 'letter.txt'), '');
    expect(() => openDataFolder(root)).toThrow(expect.objectContaining({ exitCode: 78 }));
    expect(() => openDataFolder(root)).toThrow(/letter\.txt.*chmod 700/);
    expect(modeOf(root)).toBe(0o755);
  });
});

test('a database and what SQLite keeps beside it are for their owner alone', () => {
  const file = join(root, 'x.sqlite');
  protectDatabase(file);
  const db = new BetterSqlite(file);
  db.pragma('journal_mode = WAL');
  db.exec('CREATE TABLE t (a)');
  for (const suffix of ['', '-wal', '-shm']) expect(modeOf(`${file}${suffix}`)).toBe(0o600);
  for (const suffix of ['', '-wal', '-shm']) chmodSync(`${file}${suffix}`, 0o644);
  protectDatabase(file);
  for (const suffix of ['', '-wal', '-shm']) expect(modeOf(`${file}${suffix}`)).toBe(0o600);
  db.close();
});

test('a folder in the place of a database is said in one line, with what to do', () => {
  const path = join(root, 'x.sqlite');
  mkdirSync(path);
  expect(() => protectDatabase(path)).toThrow(
    expect.objectContaining({
      exitCode: 78,
      message: `${path} is a folder where a file has to be: move it away`,
    }),
  );
});

/** Name, what stands in the way of it, and what is said. */
const inTheWay: readonly [name: string, make: () => void, said: RegExp][] = [
  [
    'file',
    () => writeFileSync(join(root, 'file'), ''),
    /file is something else where a folder has to be: move/,
  ],
  ['file/x', () => writeFileSync(join(root, 'file'), ''), /file\/x lies under something that is no folder/],
  ['x'.repeat(5_000), () => undefined, /x… is a longer name than the file system takes: name a shorter one$/],
  [
    'self',
    () => symlinkSync('self', join(root, 'self')),
    /self is a link that leads back to itself: name another$/,
  ],
  [
    'lost',
    () => symlinkSync('nowhere/at/all', join(root, 'lost')),
    /lost is something else where a folder has to be/,
  ],
];
/** Node's own recursive `mkdirSync` never returns from the last two. */
const taken: typeof inTheWay = [
  ...inTheWay,
  [
    'lost/x',
    () => symlinkSync('nowhere/at/all', join(root, 'lost')),
    /lost is something else where a folder has to be/,
  ],
  ['proc/x', () => symlinkSync('/proc', join(root, 'proc')), /proc\/x cannot be made where it lies/],
];
test.each(taken)('a data folder that cannot be made is said in one line: %.9s', (name, make, said) => {
  make();
  const path = join(root, name);
  expect(() => openDataFolder(path)).toThrow(expect.objectContaining({ exitCode: 78 }));
  expect(() => openDataFolder(path)).toThrow(said);
});
test.each(taken)('a database whose path cannot be made is said in one line: %.9s', (name, make) => {
  make();
  const path = join(root, name, 'x.sqlite');
  expect(() => protectDatabase(path)).toThrow(expect.objectContaining({ exitCode: 78 }));
  expect(() => takeLock(path, 'another one has it')).toThrow(expect.objectContaining({ exitCode: 78 }));
});
test('a pipe or a device in the place of a database is said in one line, and left as it is', () => {
  const pipe = join(root, 'pipe');
  spawnSync('mkfifo', ['-m', '666', pipe]);
  for (const path of [pipe, '/dev/null'])
    expect(() => protectDatabase(path)).toThrow(
      /is a device or a pipe where a file has to be: name another$/,
    );
  expect([modeOf(pipe), modeOf('/dev/null')]).toEqual([0o666, 0o666]);
});
test('a database whose name is too long is said in one line, which is short', () => {
  const path = join(root, 'x'.repeat(5_000));
  expect(() => protectDatabase(path)).toThrow(
    expect.objectContaining({ exitCode: 78, message: expect.stringMatching(/^.{1,400}$/) }),
  );
});

/** Only root, or who may be it in a namespace of its own, can mount anything. */
const mayMount = spawnSync('unshare', ['-rm', 'true']).status === 0;
test.runIf(mayMount)(
  'a file that is mounted by itself is refused, in any folder, and its folder is not',
  () => {
    const there = join(root, 'there', 'x.sqlite');
    const here = join(root, 'h e r e');
    protectDatabase(there);
    mkdirSync(here);
    writeFileSync(join(here, 'x.sqlite'), '');
    const protect = (what: string): string => {
      const script = `import { protectDatabase } from ${JSON.stringify(pathToFileURL(distFile).href)};
      try { protectDatabase(process.argv[1]); console.log('taken'); } catch (error) { console.log(error.exitCode, error.message); }`;
      const mounting = 'mount --bind "$1" "$2" && exec node --input-type=module -e "$3" "$4"';
      const paths = what === 'file' ? [there, join(here, 'x.sqlite')] : [join(root, 'there'), here];
      const args = ['-rm', 'sh', '-c', mounting, 'sh', ...paths, script, join(here, 'x.sqlite')];
      return spawnSync('unshare', args, { encoding: 'utf8' }).stdout.trim();
    };
    expect(protect('file')).toMatch(/^78 .*x\.sqlite is mounted by itself: mount its folder instead/);
    expect(protect('folder')).toBe('taken');
  },
);

test('what is mounted is read as the kernel writes it', () => {
  const mounts = '63 43 254:0 /a/f\\040o /b/f\\040o rw,relatime - ext4 /dev/vda rw\n';
  expect([isMountPoint('/b/f o', mounts), isMountPoint('/a/f o', mounts)]).toEqual([true, false]);
});

test('a lock is had by one at a time, under whatever name, and is free after its end', () => {
  const file = protectDatabase(join(root, 'x.sqlite'));
  symlinkSync(file, join(root, 'other-name.sqlite'));
  const lock = takeLock(`${file}.lock`, 'another one has it');
  const again = () =>
    takeLock(`${protectDatabase(join(root, 'other-name.sqlite'))}.lock`, 'another one has it');
  expect(again).toThrow(expect.objectContaining({ name: 'CannotRun', exitCode: 75 }));
  lock.close();
  again().close();
});

describe('an error of SQLite', () => {
  const facts = { file: 'x.sqlite', whenDamaged: 'delete it' };
  const errorOf = (job: () => unknown): unknown => {
    try {
      job();
    } catch (error) {
      return error;
    }
    throw new Error('nothing was thrown');
  };

  test('that says the disk is full is the store’s, in one line with what to do', () => {
    const db = new BetterSqlite(join(root, 'full.sqlite'));
    db.exec('CREATE TABLE t (a)');
    db.pragma('max_page_count = 2');
    const error = errorOf(() => db.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(100_000)));
    const known = storeFailureOf(new Error('around it', { cause: error }), facts);
    expect(known).toBeInstanceOf(CannotRun);
    expect(known).toMatchObject({
      exitCode: 75,
      message: expect.stringMatching(/disk is full \(SQLITE_FULL\): make room/),
    });
    db.close();
  });

  test('that says a page is damaged is the store’s', () => {
    const file = join(root, 'damaged.sqlite');
    writeFileSync(file, 'no database'.repeat(1_000));
    const db = new BetterSqlite(file);
    const error = errorOf(() => db.exec('CREATE TABLE t (a)'));
    expect(storeFailureOf(error, facts)).toMatchObject({
      exitCode: 78,
      message: expect.stringMatching(/^x\.sqlite is damaged \(SQLITE_NOTADB\): delete it$/),
    });
    db.close();
  });

  test('about what was asked is not', () => {
    const db = new BetterSqlite(':memory:');
    db.exec('CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)');
    const error = errorOf(() => db.exec('INSERT INTO t VALUES (1)'));
    expect(isStoreFailure(error)).toBe(false);
    expect(storeFailureOf(error, facts)).toBeUndefined();
    expect(isStoreFailure(new Error('of another kind'))).toBe(false);
    db.close();
  });
});

describe('the log beside a database', () => {
  const mebibyte = 1_048_576;
  const logOf = (file: string): number => statSync(`${file}-wal`).size;
  const withDatabase = (use: (sql: BetterSqlite.Database, file: string) => void): void => {
    const file = join(root, 'x.sqlite');
    const sql = new BetterSqlite(file);
    sql.pragma('journal_mode = WAL');
    sql.exec('CREATE TABLE t (x BLOB)');
    use(sql, file);
    sql.close();
  };
  const write = (sql: BetterSqlite.Database, count: number): void => {
    const insert = sql.prepare('INSERT INTO t VALUES (zeroblob(1048576))');
    for (let done = 0; done < count; done += 1) insert.run();
  };

  test('takes about a quarter of the room at most, and never less than SQLite gives it', () => {
    withDatabase((sql, file) => {
      expect(limitLog(sql, 16_384, 1_024 * mebibyte)).toBe(16_384);
      expect(limitLog(sql, 16_384, mebibyte)).toBe(1_000);
      const pages = limitLog(sql, 16_384, 40 * mebibyte);
      expect(pages).toBeLessThan(2_600);
      write(sql, 40);
      expect(logOf(file)).toBeLessThan(13 * mebibyte);
    });
  });

  test('is moved over and cut where it has grown on a larger disk', () => {
    withDatabase((sql, file) => {
      limitLog(sql, 16_384, 1_024 * mebibyte);
      write(sql, 30);
      expect(logOf(file)).toBeGreaterThan(30 * mebibyte);
      limitLog(sql, 16_384, 16 * mebibyte);
      expect(logOf(file)).toBe(0);
    });
  });
});
