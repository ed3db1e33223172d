import { peerText } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { Icon } from './icons.tsx';
import { useSlice, type View } from './view.ts';

/** What went wrong and what to do about it. Errors interrupt a screen reader, notices wait their turn. */
export function Problems({ view }: { view: View }) {
  const problems = useSlice(view, (s) => s.problems);
  return (
    <section class="problems" aria-label={t.problems.label} hidden={problems.length === 0}>
      {problems.map((problem) => (
        <div
          key={problem.code}
          class={`problem problem-${problem.severity}`}
          role={problem.severity === 'error' ? 'alert' : 'status'}
        >
          <Icon name="warning" />
          <div class="problem-text">
            <h2>
              <span class="visually-hidden">{t.problems[problem.severity]}: </span>
              {peerText(problem.title)}
            </h2>
            <p>{peerText(problem.advice)}</p>
          </div>
          <code class="problem-code">{peerText(problem.code)}</code>
          <button
            type="button"
            class="quiet dismiss"
            aria-label={`${t.actions.dismiss}: ${peerText(problem.title)}`}
            onClick={() => view.actions.dismissProblem(problem.code)}
          >
            <Icon name="cross" />
          </button>
        </div>
      ))}
    </section>
  );
}
