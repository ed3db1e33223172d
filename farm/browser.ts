import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { chromium } from 'playwright';

/** Where systems put Chrome and Chromium. */
const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/opt/google/chrome/chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

/** Longest that fetching a browser may take; a mirror that hangs must not hang us. */
const INSTALL_TIMEOUT_MS = 300_000;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The browser that is there: `GRIDTAB_BROWSER`, an installed Chrome or Chromium, or Playwright's own. */
export function findBrowser(): string | null {
  const named = process.env['GRIDTAB_BROWSER'];
  if (named !== undefined && named !== '') {
    if (!isExecutable(named)) throw new Error(`GRIDTAB_BROWSER: ${named} cannot be run.`);
    return named;
  }
  return [...INSTALLED, chromium.executablePath()].find(isExecutable) ?? null;
}

/**
 * A browser, installing one where there is none: Playwright's download first, then the system's package when running as
 * root. Throws with what to do when neither works.
 */
export function browserPath(log: (line: string) => void): string {
  const found = findBrowser();
  if (found !== null) return found;
  const tried: string[] = [];
  const attempt = (what: string, command: string, args: string[]): string | null => {
    log(`No Chrome or Chromium found: trying ${what}`);
    const { status, error } = spawnSync(command, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: INSTALL_TIMEOUT_MS,
    });
    const path = findBrowser();
    if (path === null) tried.push(`${what}: ${error?.message ?? `exit ${status ?? 'after a time-out'}`}`);
    return path;
  };
  const downloaded = attempt("Playwright's download", process.execPath, [
    new URL('../node_modules/playwright/cli.js', import.meta.url).pathname,
    'install',
    'chromium',
  ]);
  if (downloaded !== null) return downloaded;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    attempt("the system's package list", 'apt-get', ['update', '-qq']);
    const packaged = attempt("the system's package", 'apt-get', ['install', '-y', '-qq', 'chromium']);
    if (packaged !== null) return packaged;
  }
  throw new Error(
    `Gridtab needs Chrome or Chromium and could not get one (${tried.join('; ')}). Install Chromium, or name a browser in GRIDTAB_BROWSER.`,
  );
}

/** Flags for every headless tab: no chatter to services on the internet, no sandbox where root cannot have one. */
const QUIET = [
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Flags that give WebGPU on a machine without a GPU (SwiftShader); the page labels it as software. */
const SOFTWARE_WEBGPU = ['--enable-unsafe-webgpu', '--enable-unsafe-swiftshader'];

/** Keeps tabs of a farm at full speed while nobody looks at them. */
const UNATTENDED = ['--disable-background-timer-throttling', '--disable-renderer-backgrounding'];

export function browserArgs(options: { webgpu: boolean }): string[] {
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return [...QUIET, ...UNATTENDED, ...sandbox, ...(options.webgpu ? SOFTWARE_WEBGPU : [])];
}
