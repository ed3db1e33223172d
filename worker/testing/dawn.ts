import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { chromium } from 'playwright';
import { create, globals } from 'webgpu';

/**
 * WebGPU for tests without a browser: Dawn for Node on the SwiftShader that comes with Chromium, so that what runs is
 * the compiler and the driver of a headless tab.
 */

const ICD_FILE = 'vk_swiftshader_icd.json';
const BROWSER_FOLDERS = [
  '/usr/lib/chromium',
  '/usr/lib/chromium-browser',
  '/opt/google/chrome',
  '/usr/lib64/chromium-browser',
];

function findDriver(): string {
  const given = process.env['VK_ICD_FILENAMES'];
  if (given !== undefined && given !== '') return given;
  const folders = [...BROWSER_FOLDERS, dirname(chromium.executablePath())];
  const found = folders.map((folder) => join(folder, ICD_FILE)).find((file) => existsSync(file));
  if (found === undefined) {
    throw new Error(
      `no ${ICD_FILE} in ${folders.join(', ')}: install Chromium, or set VK_ICD_FILENAMES to a Vulkan driver`,
    );
  }
  return found;
}

/** `RTLD_NODELETE` of glibc: the library stays when dlopen's caller lets go of it. Node has no name for it. */
const KEEP_LOADED = 0x1000;

/**
 * Loads the Vulkan loader that comes with the browser, for machines that have none of their own: Dawn asks for
 * `libvulkan.so.1` by name and gets the one that is loaded already.
 */
function loadVulkan(driver: string): void {
  const library = join(dirname(driver), 'libvulkan.so.1');
  if (!existsSync(library)) return;
  try {
    process.dlopen(
      { exports: {} },
      library,
      constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | KEEP_LOADED,
    );
  } catch {
    // Always thrown: the library is no Node module. It is loaded all the same.
  }
}

/** Dawn aborts the process when its instance is collected while a device lives. */
let kept: GPU | undefined;

/** `navigator.gpu` of the tests. Throws when no driver is found. */
export function dawn(): GPU {
  if (kept === undefined) {
    const driver = findDriver();
    process.env['VK_ICD_FILENAMES'] = driver;
    loadVulkan(driver);
    Object.assign(globalThis, globals);
    kept = create([]);
  }
  return kept;
}
