import type { Stream } from '@libp2p/interface';
import type { PeerId } from '../../protocol/ids.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { DialPlan, TransportName } from './addresses.ts';

/** A live connection to one validator; streams are opened on it as they are needed. */
export interface Link {
  readonly peer: PeerId;
  readonly transport: TransportName;
  /** Why WebRTC-Direct is not in use, when it is not. */
  readonly fallbackReason: string | null;
  /** Last measured round trip in milliseconds, or null before the first. */
  roundTripMs(): number | null;
  /** Rejects when the validator does not speak the protocol or the connection is gone. */
  openStream(protocol: string, signal: AbortSignal): Promise<Stream>;
  /** Aborts when the connection is gone. */
  readonly closed: AbortSignal;
  close(): Promise<void>;
}

/** This tab as a libp2p peer. */
export interface Peer {
  dial(plan: DialPlan, signal: AbortSignal): Promise<Outcome<Link, 'VALIDATOR_UNREACHABLE'>>;
  stop(): Promise<void>;
}
