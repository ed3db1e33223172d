import type { AdapterReport } from '../contract.ts';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { reportOf } from './adapter.ts';

/** A device and what is known of it. Whoever opened it destroys it. */
export type Gpu = {
  readonly device: GPUDevice;
  readonly adapter: AdapterReport;
  /** Settles with the reason when the device is lost without our doing; never when we destroyed it. */
  readonly lost: Promise<string>;
  readonly isLost: () => boolean;
  /** Errors no error scope caught so far. One during a computation makes its result worthless. */
  readonly errorCount: () => number;
  destroy(): void;
};

/** What to ask of the adapter: features it lacks are left out, limits it cannot give make the request fail. */
export type DeviceRequest = {
  label: string;
  features?: readonly GPUFeatureName[];
  limits: (supported: GPUSupportedLimits) => Record<string, number>;
};

/**
 * Opens a device of the adapter. `gpu` is `navigator.gpu`, or undefined where the browser has none. `onError` hears of
 * uncaptured errors. Never throws.
 */
export async function openGpu(
  gpu: GPU | undefined,
  request: DeviceRequest,
  onError: (message: string) => void,
): Promise<Outcome<Gpu, 'WEBGPU_MISSING'>> {
  if (gpu === undefined) {
    return fail('WEBGPU_MISSING', 'this browser has no WebGPU, or the page is not on HTTPS or localhost');
  }
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null) {
      return fail('WEBGPU_MISSING', 'the browser offers no GPU adapter (blocked, disabled or no driver)');
    }
    const device = await adapter.requestDevice({
      label: request.label,
      requiredFeatures: (request.features ?? []).filter((feature) => adapter.features.has(feature)),
      requiredLimits: request.limits(adapter.limits),
    });
    return ok(own(device, reportOf(adapter.info), onError));
  } catch (error) {
    return fail('WEBGPU_MISSING', `the GPU adapter gave no device: ${errorText(error)}`);
  }
}

function own(device: GPUDevice, adapter: AdapterReport, onError: (message: string) => void): Gpu {
  let isLost = false;
  let destroyed = false;
  let errors = 0;
  device.addEventListener('uncapturederror', (event) => {
    errors++;
    onError(event.error.message);
  });
  const lost = new Promise<string>((resolve) => {
    const onLost = ({ message }: GPUDeviceLostInfo): void => {
      isLost = true;
      // `reason` also reads 'destroyed' when a browser shuts its GPU process down: what we did decides.
      if (!destroyed) resolve(message || 'the GPU device was lost');
    };
    void device.lost.then(onLost);
  });
  return {
    device,
    adapter,
    lost,
    isLost: () => isLost,
    errorCount: () => errors,
    destroy() {
      destroyed = true;
      device.destroy();
    },
  };
}
