import type { Spending } from '../spending/spending.ts';

/** Accounts and what they do with their credits, as the HTTP server sees them. */
export type SpendingApi = Pick<Spending, 'submit' | 'account' | 'operations'>;
