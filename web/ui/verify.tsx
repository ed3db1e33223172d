import { RECEIPT_RETENTION } from '../receipts/book.ts';
import { clockTime, duration, integer, peerText, percent, shortId } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { CHECK_IDS, type CheckId, type Verification, type VerificationReport } from '../verify/report.ts';
import { Icon, type IconName } from './icons.tsx';
import { Fact, Panel } from './parts.tsx';
import { checkWords, limitWords, shareOf, stakeOf, summaryOf } from './verify-words.ts';
import { useSlice, type View } from './view.ts';

/**
 * What this tab can check of its rewards by itself. All lines are there before anything was checked, each saying what it is about,
 * so that results come where they were expected.
 */
export function VerifyPanel({ view }: { view: View }) {
  const verification = useSlice(view, (s) => s.verification);
  const report = verification.status === 'done' ? verification.report : null;
  const aside = report === null ? '\u00a0' : t.verify.asOf(clockTime(report.atMs, t.locale));
  return (
    <Panel id="verify" heading={t.verify.heading} aside={<span class="aside">{aside}</span>}>
      <Summary verification={verification} />
      <Action view={view} verification={verification} />
      <ul class="checks" aria-label={t.verify.checksLabel}>
        {CHECK_IDS.map((id) => (
          <CheckLine key={id} id={id} verification={verification} />
        ))}
      </ul>
      {report === null ? null : <Figures report={report} />}
      {report === null ? null : <Limits report={report} />}
    </Panel>
  );
}

function Summary({ verification }: { verification: Verification }) {
  const { level, text } =
    verification.status === 'done'
      ? summaryOf(verification.report)
      : { level: verification.status, text: t.verify.summary[verification.status] };
  const icon: Partial<Record<typeof level, IconName>> = { holds: 'check', fails: 'cross', partly: 'ring' };
  const name = icon[level];
  return (
    <p class={`panel-lead verify-summary verify-${level}`} role="status">
      {name === undefined ? null : <Icon name={name} />}
      {text}
    </p>
  );
}

/** The button, and beside it how far it is. */
function Action({ view, verification }: { view: View; verification: Verification }) {
  const online = useSlice(view, (s) => s.connection.status === 'online');
  const started = useSlice(view, (s) => s.phase !== 'idle' && s.phase !== 'failed');
  const running = verification.status === 'running';
  return (
    <div class="panel-actions verify-action">
      <button
        type="button"
        // Not `disabled` while it runs: whoever pressed it would lose the focus.
        disabled={!online && !running}
        aria-disabled={running}
        onClick={() => {
          if (!running) view.actions.verify();
        }}
      >
        {verification.status === 'done' ? t.verify.again : t.verify.action}
      </button>
      {running ? <Progress {...verification} /> : null}
      {running || online ? null : <p class="note">{started ? t.verify.unconnected : t.verify.offline}</p>}
    </div>
  );
}

function Progress({ step, done, of }: Extract<Verification, { status: 'running' }>) {
  const name = t.verify.steps[step];
  const known = of !== null && of > 0;
  return (
    <div class="verify-progress">
      <span class="note">
        {known ? t.verify.stepOf(name, integer(done, t.locale), integer(of, t.locale)) : name}
      </span>
      {known ? (
        <progress aria-label={t.verify.progress} max={of} value={Math.min(done, of)} />
      ) : (
        <progress aria-label={t.verify.progress} />
      )}
    </div>
  );
}

const ICONS = { passed: 'check', failed: 'cross', open: 'ring', running: 'clock', idle: 'dot' } as const;

function CheckLine({ id, verification }: { id: CheckId; verification: Verification }) {
  const report = verification.status === 'done' ? verification.report : null;
  const check = report?.checks.find((each) => each.id === id);
  const result = check?.result ?? (verification.status === 'running' ? 'running' : 'idle');
  return (
    <li class={`check check-${result}`}>
      <Icon name={ICONS[result]} />
      <h3>
        {t.verify.checks[id]} <span class="check-result">{t.verify.result[result]}</span>
      </h3>
      <p>{check === undefined || report === null ? t.verify.about[id] : checkWords(check, report)}</p>
    </li>
  );
}

/** What was counted on the way. */
function Figures({ report }: { report: VerificationReport }) {
  const { headers, receipts, balance, signers, tookMs } = report;
  const words = t.verify.facts;
  const number = (n: number): string => integer(n, t.locale);
  const linked = { n: headers.linked, text: number(headers.linked) };
  return (
    <dl class="facts verify-facts">
      <Fact term={words.headers}>{words.headersOf(number(headers.checked), linked)}</Fact>
      <Fact term={words.receipts}>{words.receiptsOf(number(receipts.included), number(receipts.all))}</Fact>
      <Fact term={words.hashes}>
        {balance === null
          ? words.noBalance
          : words.hashesOf({ n: balance.hashes, text: number(balance.hashes) })}
      </Fact>
      <Fact term={words.took}>{duration(tookMs, t.locale)}</Fact>
      <Fact term={words.signers}>{signers.length === 0 ? words.nobody : <Signers signers={signers} />}</Fact>
    </dl>
  );
}

function Signers({ signers }: { signers: VerificationReport['signers'] }) {
  const words = t.verify.facts;
  const { signed, stakePpm } = stakeOf(signers);
  const all = { n: signers.length, text: integer(signers.length, t.locale) };
  return (
    <details>
      <summary>{words.signersOf(integer(signed, t.locale), all, percent(stakePpm, t.locale))}</summary>
      <ul class="signers">
        {signers.map((signer) => (
          <li key={signer.validator} class={signer.signed ? 'signer' : 'signer signer-absent'}>
            <Icon name={signer.signed ? 'check' : 'ring'} />
            <span>
              <code>{shortId(peerText(signer.validator))}</code>{' '}
              {signer.signed ? words.signed : words.unsigned}
            </span>
            <span class="signer-stake">
              {words.stake(peerText(signer.stake), percent(shareOf([signer], signers), t.locale))}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Limits({ report }: { report: VerificationReport }) {
  return (
    <div class="verify-limits">
      <h3>{t.verify.limits.heading}</h3>
      <ul>
        {limitWords(report, RECEIPT_RETENTION).map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </div>
  );
}
