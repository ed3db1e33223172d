import { describe, expect, it } from 'vitest';
import { toHex } from './bytes.ts';
import { encodeHeader, HEADER_BYTES, NONCE_OFFSET } from './header.ts';
import { BITCOIN_HEADERS, headerBytes } from './vectors/bitcoin-headers.ts';

const fields = { version: 1, previous: new Uint8Array(32), root: new Uint8Array(32), time: 2, bits: 3 };

describe('header', () => {
  it('is the 80 bytes of the genesis block', () => {
    const [genesis] = BITCOIN_HEADERS;
    expect(genesis && toHex(headerBytes(genesis))).toBe(
      '0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e' +
        '67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c',
    );
  });

  it('holds integers little-endian, up to 2^32 - 1', () => {
    const header = encodeHeader({ ...fields, version: 0xffff_fffe, time: 0x8000_0001 }, 0xffff_ffff);
    const view = new DataView(header.buffer);
    expect(header).toHaveLength(HEADER_BYTES);
    expect(view.getUint32(0, true)).toBe(0xffff_fffe);
    expect(view.getUint32(68, true)).toBe(0x8000_0001);
    expect(view.getUint32(NONCE_OFFSET, true)).toBe(0xffff_ffff);
  });

  it('refuses hash fields of another length', () => {
    expect(() => encodeHeader({ ...fields, previous: new Uint8Array(31) }, 0)).toThrow(RangeError);
    expect(() => encodeHeader({ ...fields, root: new Uint8Array(33) }, 0)).toThrow(RangeError);
  });
});
