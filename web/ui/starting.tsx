import type { Step } from '../state/types.ts';
import { peerText } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { StartButton } from './controls.tsx';
import { Downloads } from './downloads.tsx';
import { Icon, type IconName } from './icons.tsx';
import { useSlice, type View } from './view.ts';

/** Start-up step by step; also what is left of it when it failed. */
export function Starting({ view }: { view: View }) {
  const phase = useSlice(view, (s) => s.phase);
  const steps = useSlice(view, (s) => s.steps);
  const foreign = useSlice(view, (s) => (s.foreign ?? null) !== null);
  const failed = phase === 'failed';
  return (
    <section class="facade starting" aria-labelledby="starting-heading">
      <div class="starting-text">
        <h1 id="starting-heading">{failed ? t.failed.heading : t.starting.heading}</h1>
        <p class="lead">{failed ? t.failed.lead : t.starting.lead}</p>
        {failed && !foreign ? <StartButton view={view} label={t.actions.retry} /> : null}
      </div>
      <div class="starting-steps">
        <ol class="steps" aria-label={t.starting.stepsLabel}>
          {steps.map((step) => (
            <StepLine key={step.id} step={step} />
          ))}
        </ol>
        <Downloads view={view} />
      </div>
    </section>
  );
}

const STEP_ICONS: Record<Step['status'], IconName> = {
  waiting: 'ring',
  active: 'half',
  done: 'check',
  failed: 'cross',
};

function StepLine({ step }: { step: Step }) {
  return (
    <li class={`step step-${step.status}`} aria-current={step.status === 'active' ? 'step' : undefined}>
      <Icon name={STEP_ICONS[step.status]} />
      <span class="step-name">{t.step[step.id]}</span>
      <span class="visually-hidden">{t.stepStatus[step.status]}</span>
      <span class="step-detail">{peerText(step.detail)}</span>
    </li>
  );
}
