import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const CLI = new URL('../subnet/cli.ts', import.meta.url).pathname;

export type NodeProcess = {
  url: string;
  pid: number;
  child: ChildProcess;
  /** Resolves with the exit code, or the signal's name, when the process is gone. */
  exited: Promise<number | string>;
  /** Asks it to end, and waits. */
  stop(): Promise<void>;
};

export type NodeProcessOptions = {
  /** Another script that takes these flags, in the place of `gridtab node`. */
  script?: string;
  /** Flags after `gridtab node`. */
  flags: readonly string[];
  env?: Record<string, string>;
  /** Every line of its log. */
  onLog?: (line: string) => void;
  /** A node reads its models and computes known answers at the first start. */
  readyTimeoutMs?: number;
};

/** Flags of a node that nobody comes back to: any free ports, and epochs that close while somebody looks on. */
export const passingNodeFlags = (dataDir: string): string[] => [
  `--data=${dataDir}`,
  '--http-port=0',
  '--webrtc-port=0',
  '--ws-port=0',
  '--epoch-slots=1',
  '--log-level=warn',
];

/** Starts `gridtab node` as a process of its own and waits until it is up. Rejects with the end of its log when it fails. */
export async function startNodeProcess(options: NodeProcessOptions): Promise<NodeProcess> {
  const program = options.script === undefined ? [CLI, 'node'] : [options.script];
  const child = spawn(process.execPath, [...program, ...options.flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  const exited = once(child, 'exit').then(
    ([code, signal]: (number | string | null)[]) => code ?? signal ?? 'unknown',
  );
  const lastLines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
    options.onLog?.(line);
  });
  const ready = new Promise<{ url: string }>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as { event?: string; url?: string };
      if (message.event === 'ready' && message.url !== undefined) resolve({ url: message.url });
    });
    void exited.then((how) =>
      reject(new Error(`the node ended (${how}) before it was up:\n${lastLines.join('\n')}`)),
    );
    setTimeout(
      () => reject(new Error(`the node was not up in time:\n${lastLines.join('\n')}`)),
      options.readyTimeoutMs ?? 60_000,
    ).unref();
  });
  try {
    const { url } = await ready;
    return {
      url,
      pid: child.pid ?? 0,
      child,
      exited,
      async stop() {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
        await exited;
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}
