import type { OpenOptions } from '../../worker/contract.ts';

/** What the page's address may ask for; documented in the README for automation and tests. */
export type PageOptions = {
  /** `?slot=N` pins the identity slot. */
  slot?: number;
  /** `?subnet=URL&owner=KEY`: another subnet than the one this page was served by. */
  subnetUrl?: string;
  owner?: string;
  /** `?adapter=none` keeps off WebGPU. */
  adapter: OpenOptions['adapter'];
  /** `?provider=webgpu` for all models, `?provider=NAME:webgpu` for one; repeatable. Empty name: all. */
  providers: ReadonlyMap<string, 'webgpu' | 'wasm'>;
};

const MAX_SLOT_NUMBER = 65_535;

/** Reads the query of the page. What makes no sense is left out: a mistyped link still opens the page. */
export function parseOptions(search: string): PageOptions {
  const query = new URLSearchParams(search);
  const slot = query.get('slot');
  const subnet = query.get('subnet');
  const owner = query.get('owner')?.toLowerCase();
  const providers = new Map<string, 'webgpu' | 'wasm'>();
  for (const value of query.getAll('provider')) {
    const at = value.lastIndexOf(':');
    const provider = value.slice(at + 1);
    if (provider === 'webgpu' || provider === 'wasm')
      providers.set(value.slice(0, Math.max(at, 0)), provider);
  }
  return {
    ...(slot !== null && /^\d{1,5}$/.test(slot) && Number(slot) <= MAX_SLOT_NUMBER
      ? { slot: Number(slot) }
      : {}),
    ...(subnet !== null ? { subnetUrl: subnet } : {}),
    ...(owner !== undefined && /^[0-9a-f]{64}$/.test(owner) ? { owner } : {}),
    adapter: query.get('adapter') === 'none' ? 'none' : 'any',
    providers,
  };
}

export const providerFor = (options: PageOptions, model: string): 'webgpu' | 'wasm' | undefined =>
  options.providers.get(model) ?? options.providers.get('');
