import shader from '../../shaders/sha256d.wgsl?raw';
import type { DeviceRequest } from './device.ts';

/** Constants of one compiled form of the kernel. They feed both the pipeline and the dispatch, from here only. */
export type KernelForm = { workgroupSize: number; noncesPerInvocation: number };

/** 64 is a whole number of waves on every GPU; eight nonces pay for reading the job once. */
export const DEFAULT_FORM: KernelForm = { workgroupSize: 64, noncesPerInvocation: 8 };

/** WebGPU's default, and what a dispatch may use. */
export const MAX_WORKGROUPS = 65_535;

/** What the kernels need: at or below WebGPU's defaults, so that weak adapters say no instead of failing later. */
export const HASH_DEVICE: DeviceRequest = {
  label: 'gridtab hash',
  limits: () => ({
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupSizeX: 256,
    maxComputeWorkgroupsPerDimension: MAX_WORKGROUPS,
  }),
};

/** Nonces one workgroup covers. */
export const noncesPerWorkgroup = (form: KernelForm): number => form.workgroupSize * form.noncesPerInvocation;

/** Compiles the search once per device; jobs come as data. Rejects with the compiler's words when it refuses. */
export function compileSearch(device: GPUDevice, form: KernelForm): Promise<GPUComputePipeline> {
  const module = device.createShaderModule({ label: 'sha256d', code: shader });
  return device.createComputePipelineAsync({
    label: `sha256d ${form.workgroupSize}x${form.noncesPerInvocation}`,
    layout: 'auto',
    compute: {
      module,
      entryPoint: 'search',
      constants: { WORKGROUP_SIZE: form.workgroupSize, NONCES_PER_INVOCATION: form.noncesPerInvocation },
    },
  });
}
