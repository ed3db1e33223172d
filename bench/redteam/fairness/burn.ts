/** Burns CPU and attacks nobody: node burn.ts SHARE, in parts of one core. Ends with its parent's signal. */
const share = Number(process.argv[2] ?? '1');
/** A slice in which it burns and then sleeps, short beside what is measured. */
const SLICE_MS = 20;

process.stdout.write('ready\n');
async function burn(): Promise<never> {
  for (;;) {
    const startMs = performance.now();
    while (performance.now() - startMs < SLICE_MS * Math.min(1, share));
    await new Promise((resolve) => setTimeout(resolve, SLICE_MS * Math.max(0, 1 - share)));
  }
}

void burn();
