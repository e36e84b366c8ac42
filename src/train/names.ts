// Makes names such as `loss: 'huber'` known. A program that imports this file contains every loss, metric, optimizer and activation.
import { knowNames } from './factories.ts';

knowNames();
