/**
 * Adds to package-lock.json the optional packages of other platforms that `npm install` left out because the registry it
 * saw does not carry them. `npm ci` refuses a lockfile without them, though it would never install them here. Run after
 * every change of dependencies: `npm run lockfile`.
 */
import { readFileSync, writeFileSync } from 'node:fs';

type Entry = {
  version?: string;
  optional?: boolean;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
};

const FILE = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(FILE, 'utf8')) as { packages: Record<string, Entry> };

const OS = [
  'android',
  'darwin',
  'freebsd',
  'linux',
  'openharmony',
  'openbsd',
  'netbsd',
  'aix',
  'sunos',
  'win32',
];
const CPU = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'wasm32'];

/** What a platform package is for, as its name says: `@scope/binding-linux-x64-musl`. */
function platformOf(name: string): Pick<Entry, 'os' | 'cpu' | 'libc'> {
  const words = name.split(/[/-]/);
  const os = OS.find((word) => words.includes(word));
  const cpu = CPU.find((word) => words.includes(word));
  const libc = words.includes('musl') ? 'musl' : words.includes('gnu') ? 'glibc' : undefined;
  return {
    ...(os === undefined ? {} : { os: [os] }),
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(os !== 'linux' || libc === undefined ? {} : { libc: [libc] }),
  };
}

let added = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const places = [`${path}/node_modules/${name}`, `node_modules/${name}`];
    if (places.some((place) => lock.packages[place] !== undefined)) continue;
    if (!/^\d+\.\d+\.\d+/.test(version)) throw new Error(`${path}: ${name}@${version} is no exact version`);
    const platform = platformOf(name);
    if (platform.os === undefined && platform.cpu === undefined)
      throw new Error(`${name}: its name tells no platform, so npm would try to install it everywhere`);
    lock.packages[`node_modules/${name}`] = {
      version,
      optional: true,
      ...(entry.dev === true ? { dev: true } : {}),
      ...platform,
    };
    added += 1;
  }
}
const [root, ...rest] = Object.entries(lock.packages);
if (root === undefined) throw new Error('package-lock.json has no packages');
lock.packages = Object.fromEntries([root, ...rest.sort(([a], [b]) => a.localeCompare(b, 'en'))]);
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} optional packages added\n`);
