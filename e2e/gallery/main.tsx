import { signal } from '@preact/signals';
import { render } from 'preact';
import type { AppActions, AppState } from '../../web/state/types.ts';
import { FIXTURE_NAMES, FIXTURE_NOW_MS, FIXTURES } from '../../web/ui/fixtures.ts';
import { mount } from '../../web/ui/mount.tsx';

/**
 * Every state of the page to look at: `npx vite e2e/gallery --config e2e/gallery/vite.config.ts` and open the URL.
 * `?state=NAME` shows one, standing still; without it there is a list. Actions go to the console.
 */
const log =
  (name: string) =>
  (...given: unknown[]): void =>
    console.info(name, ...given);
const actions: AppActions = {
  start: log('start'),
  stop: log('stop'),
  pause: log('pause'),
  resume: log('resume'),
  exportAccount: log('exportAccount'),
  importAccount: log('importAccount'),
  exportReceipts: log('exportReceipts'),
  dismissProblem: log('dismissProblem'),
};

const root = document.getElementById('app');
if (root === null) throw new Error('the page has no #app');
const wanted = new URLSearchParams(location.search).get('state');
const name = FIXTURE_NAMES.find((n) => n === wanted);
if (name === undefined) {
  const links = FIXTURE_NAMES.map((n) => (
    <li key={n}>
      <a href={`?state=${n}`}>{n}</a>
    </li>
  ));
  render(<ul>{links}</ul>, root);
} else {
  mount(root, signal<AppState>(FIXTURES[name]), actions, signal(FIXTURE_NOW_MS));
}
