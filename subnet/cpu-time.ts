/**
 * Processor time of this thread so far, in milliseconds. Kernels count it in steps of up to some milliseconds, so that one
 * short piece of work may show nothing; sums over many are right, however busy the machine is.
 */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
