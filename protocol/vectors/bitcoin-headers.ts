import { hexToBytes, toHex } from '../bytes.ts';
import { encodeHeader } from '../header.ts';

/**
 * Real Bitcoin blocks as known answers for hash kernels. Each proves itself: the double SHA-256 of its header is its
 * hash and is under its own target (bitcoin-headers.test.ts). Hashes are written as explorers show them, byte-reversed.
 */
export type BitcoinHeader = {
  height: number;
  version: number;
  previous: string;
  merkleRoot: string;
  time: number;
  bits: number;
  nonce: number;
  hash: string;
};

export const BITCOIN_HEADERS: readonly BitcoinHeader[] = [
  {
    height: 0,
    version: 1,
    previous: '0000000000000000000000000000000000000000000000000000000000000000',
    merkleRoot: '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b',
    time: 1231006505,
    bits: 0x1d00ffff,
    nonce: 2083236893,
    hash: '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f',
  },
  {
    height: 1,
    version: 1,
    previous: '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f',
    merkleRoot: '0e3e2357e806b6cdb1f70b54c3a3a17b6714ee1f0e68bebb44a74b1efd512098',
    time: 1231469665,
    bits: 0x1d00ffff,
    nonce: 2573394689,
    hash: '00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048',
  },
  {
    height: 2,
    version: 1,
    previous: '00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048',
    merkleRoot: '9b0fc92260312ce44e74ef369f5c66bbb85848f2eddd5a7a1cde251e54ccfdd5',
    time: 1231469744,
    bits: 0x1d00ffff,
    nonce: 1639830024,
    hash: '000000006a625f06636b8bb6ac7b960a8d03705d1ace08b1a19da3fdcc99ddbd',
  },
  {
    height: 3,
    version: 1,
    previous: '000000006a625f06636b8bb6ac7b960a8d03705d1ace08b1a19da3fdcc99ddbd',
    merkleRoot: '999e1c837c76a1b7fbb7e57baf87b309960f5ffefbf2a9b95dd890602272f644',
    time: 1231470173,
    bits: 0x1d00ffff,
    nonce: 1844305925,
    hash: '0000000082b5015589a3fdf2d4baff403e6f0be035a5d9742c1cae6295464449',
  },
  {
    height: 4,
    version: 1,
    previous: '0000000082b5015589a3fdf2d4baff403e6f0be035a5d9742c1cae6295464449',
    merkleRoot: 'df2b060fa2e5e9c8ed5eaf6a45c13753ec8c63282b2688322eba40cd98ea067a',
    time: 1231470988,
    bits: 0x1d00ffff,
    nonce: 2850094635,
    hash: '000000004ebadb55ee9096c9a2f8880e09da59c0d68b1c228da88e48844a1485',
  },
  {
    height: 5,
    version: 1,
    previous: '000000004ebadb55ee9096c9a2f8880e09da59c0d68b1c228da88e48844a1485',
    merkleRoot: '63522845d294ee9b0188ae5cac91bf389a0c3723f084ca1025e7d9cdfe481ce1',
    time: 1231471428,
    bits: 0x1d00ffff,
    nonce: 2011431709,
    hash: '000000009b7262315dbf071787ad3656097b892abffd1f95a1a022f896f533fc',
  },
  {
    // The first payment from one person to another.
    height: 170,
    version: 1,
    previous: '000000002a22cfee1f2c846adbd12b3e183d4f97683f85dad08a79780a84bd55',
    merkleRoot: '7dac2c5666815c17a3b36427de37bb9d2e2c5ccec3f8633eb91a4205cb4c10ff',
    time: 1231731025,
    bits: 0x1d00ffff,
    nonce: 1889418792,
    hash: '00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee',
  },
  {
    height: 100000,
    version: 1,
    previous: '000000000002d01c1fccc21636b607dfd930d31d01c3a62104612a1719011250',
    merkleRoot: 'f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766',
    time: 1293623863,
    bits: 0x1b04864c,
    nonce: 274148111,
    hash: '000000000003ba27aa200b1cecaad478d2b00432346c3f1f3986da1afd33e506',
  },
  {
    // The example of the Bitcoin wiki's page on the block hashing algorithm.
    height: 125552,
    version: 1,
    previous: '00000000000008a3a41b85b8b29ad444def299fee21793cd8b9e567eab02cd81',
    merkleRoot: '2b12fcf1b09288fcaff797d71e950e71ae42b91e8bdb2304758dfcffc2b620e3',
    time: 1305998791,
    bits: 0x1a44b9f2,
    nonce: 2504433986,
    hash: '00000000000000001e8d6829a8a21adc5d38d0a473b144b6765798e61f98bd1d',
  },
];

const reversed = (hex: string): Uint8Array => hexToBytes(hex).reverse();

/** The 80 header bytes of a block, with its nonce or another. */
export const headerBytes = (block: BitcoinHeader, nonce: number = block.nonce): Uint8Array =>
  encodeHeader(
    {
      version: block.version,
      previous: reversed(block.previous),
      root: reversed(block.merkleRoot),
      time: block.time,
      bits: block.bits,
    },
    nonce,
  );

/** A digest as explorers show it: bytes reversed, hex. */
export const displayedHash = (digest: Uint8Array): string => toHex(digest.slice().reverse());
