import { expect, test } from 'vitest';
import { subjectFilter } from './subject-filter.js';

test.each([
  ['wf.task.step.>', 'wf.task.step.default.r.s', true],
  ['wf.task.step.>', 'wf.task.step', false],
  ['wf.task.step.>', 'wf.task.resume.step.default.r.s', false],
  ['wf.task.catalog.*', 'wf.task.catalog.default', true],
  ['wf.task.catalog.*', 'wf.task.catalog.default.x', false],
  ['wf.task.run', 'wf.task.run', true],
  ['>', 'wf', true],
  ['wf.*.step.>', 'wf.task.step.default', true],
  ['wf.*.step.>', 'wf.task.run.default', false],
])('%s and %s: %s', (filter, subject, expected) => {
  expect(subjectFilter(filter)(subject)).toBe(expected);
});
