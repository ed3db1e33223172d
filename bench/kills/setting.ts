/** What settlers and whoever kills them have to agree on. */
export type SettlerArgs = {
  /** For `Store.open`. */
  target: string;
  dataDir: string;
  index: number;
  /** The only validator there is. */
  alone: boolean;
};

/** Seeds of the validators' keys. */
export const FIRST_SEED = 110;
/** Far faster than a real subnet, so that most of the time something is being settled. */
export const SLOT_MS = 150;
export const EPOCH_SLOTS = 2;
export const PATIENCE_MS = 1_500;
