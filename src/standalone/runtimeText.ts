// Text of the runtime of written modules. The build replaces this file by a minified text: scripts/runtimePlugin.ts.
import device from './runtime/device.js?raw';
import inputs from './runtime/inputs.js?raw';
import model from './runtime/model.js?raw';
import { joinModules } from './joinModules.ts';

export const runtimeText: string = joinModules([inputs, device, model]);
