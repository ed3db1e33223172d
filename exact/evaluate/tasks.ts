import { digitsMobile, digitsResidual } from './digits.ts';
import { ppocrCls } from './ppocr-cls.ts';
import { ppocrDet } from './ppocr-det.ts';
import { ppocrRec } from './ppocr-rec.ts';
import type { Task } from './task.ts';

/** Every model that is compiled and evaluated. */
const TASKS: readonly Task<unknown>[] = [ppocrCls, ppocrDet, ppocrRec, digitsResidual, digitsMobile];

export const TASK_NAMES = TASKS.map(({ name }) => name);

/** Throws RangeError on a name that is not there. */
export function taskOf(name: string): Task<unknown> {
  const task = TASKS.find((one) => one.name === name);
  if (task === undefined)
    throw new RangeError(`there is no model ${name}; there are ${TASK_NAMES.join(', ')}`);
  return task;
}
