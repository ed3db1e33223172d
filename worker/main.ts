import * as Comlink from 'comlink';
import { GridWorkerHost } from './grid-worker.ts';

// Typed as always there; browsers without WebGPU and insecure origins lack it.
const gpu = navigator.gpu as GPU | undefined;

Comlink.expose(new GridWorkerHost(gpu));
