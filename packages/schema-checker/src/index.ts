export { checkSubset } from './check-subset.js';
