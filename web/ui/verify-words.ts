import { CAP } from '../../protocol/ids.ts';
import { dayAndTime, integer, peerText, percent, shortId } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import type { Check, Failed, Signer, VerificationReport } from '../verify/report.ts';
import { credits } from './credits.ts';

const figure = (n: number) => ({ n, text: integer(n, t.locale) });
const number = (n: number): string => integer(n, t.locale);

/** The verdict on the whole. What is merely newer than the last close, or has no receipts yet, does not make it doubtful. */
export function summaryOf({ checks, epoch }: VerificationReport): {
  level: 'holds' | 'fails' | 'partly';
  text: string;
} {
  const failures = checks.filter(({ result }) => result === 'failed').length;
  if (failures > 0) return { level: 'fails', text: t.verify.summary.fails(figure(failures)) };
  const open = checks.filter((check) => check.result === 'open' && check.code !== 'NO_RECEIPTS').length;
  if (open > 0 || epoch === null) return { level: 'partly', text: t.verify.summary.partly(figure(open)) };
  return { level: 'holds', text: t.verify.summary.holds(number(epoch)) };
}

/** What a check found, in a sentence or two. */
export function checkWords(check: Check, report: VerificationReport): string {
  switch (check.result) {
    case 'failed':
      return failureWords(check);
    case 'open':
      return check.id === 'shown' && check.code === 'NEWER'
        ? newerWords(report)
        : [
            t.verify.open[check.code](peerText(check.detail)),
            check.code === 'NO_RECEIPTS' ? waitingWords(check, report) : '',
          ]
            .join(' ')
            .trim();
    case 'passed':
      return [passedWords(check, report), waitingWords(check, report)].join(' ').trim();
  }
}

function passedWords({ id }: Check, report: VerificationReport): string {
  const words = t.verify.passed;
  const { headers, receipts, balance, shown, signers } = report;
  const epoch = number(report.epoch ?? 0);
  switch (id) {
    case 'owner':
      return words.owner(figure(signers.length));
    case 'chain':
      return headers.pinnedAtMs === null
        ? words.chain(figure(headers.checked))
        : words.continued(figure(headers.checked), dayAndTime(headers.pinnedAtMs, t.locale));
    case 'quorum': {
      const { signed, stakePpm } = stakeOf(signers);
      return words.quorum(number(signed), figure(signers.length), percent(stakePpm, t.locale));
    }
    case 'supply':
      return words.supply(credits(report.issued ?? ''), number(Number(CAP / 1_000_000_000n)));
    case 'signed':
      return words.signed(figure(receipts.signed));
    case 'included':
      return words.included(figure(receipts.included));
    case 'balance': {
      if (balance?.owns !== true) return words.nothing(epoch);
      return words.balance(credits(ownedOf(balance).toString()), figure(balance.hashes), epoch);
    }
    case 'shown':
      return words.shown(credits(shown?.settled ?? ''), credits(shown?.held ?? ''));
  }
}

function failureWords({ code, epoch, subject, count }: Failed): string {
  return t.verify.failures[code]({
    epoch: epoch === null ? '–' : number(epoch),
    subject: /^[0-9a-zA-Z]{40,64}$/.test(subject) ? shortId(subject) : peerText(subject),
    count: figure(count),
  });
}

/** Receipts of epochs that have still to close are no failure, and belong beside those that are in. */
const waitingWords = ({ id }: Check, { receipts }: VerificationReport): string =>
  id === 'included' && receipts.waitingEpoch !== null
    ? t.verify.waiting(figure(receipts.waiting), number(receipts.waitingEpoch))
    : '';

function newerWords({ balance, shown, epoch }: VerificationReport): string {
  if (balance === null || shown === null) return t.verify.open.NEWER();
  const proven = BigInt(balance.spendable) + BigInt(balance.escrow);
  return t.verify.newer(credits(shown.settled), credits(proven.toString()), number((epoch ?? 0) + 1));
}

type Balance = NonNullable<VerificationReport['balance']>;
const ownedOf = ({ spendable, escrow, onHold }: Balance): bigint =>
  BigInt(spendable) + BigInt(escrow) + BigInt(onHold);

/** How many signed, and their part of the stake in parts per million. */
export function stakeOf(signers: readonly Signer[]): { signed: number; stakePpm: number } {
  const having = signers.filter(({ signed }) => signed);
  return { signed: having.length, stakePpm: shareOf(having, signers) };
}

/** The stake of some validators, of all, in parts per million. */
export function shareOf(some: readonly Signer[], all: readonly Signer[]): number {
  const stake = (of: readonly Signer[]): bigint =>
    of.reduce((sum, { stake: each }) => sum + BigInt(each), 0n);
  const total = stake(all);
  return total === 0n ? 0 : Number((stake(some) * 1_000_000n) / total);
}

/** What the checks do not show, whatever they found. */
export function limitWords({ signers, receipts }: VerificationReport, retention: number): string[] {
  const words = t.verify.limits;
  return [
    ...(signers.length === 1 ? [words.alone] : []),
    words.fairness,
    ...(receipts.elsewhere > 0 ? [words.elsewhere(figure(receipts.elsewhere))] : []),
    ...(receipts.all + receipts.elsewhere >= retention ? [words.kept(number(retention))] : []),
  ];
}
