// driver.js: a car that 19 neurons drive; T cuts their synapses, and the reader trains them on the page.

import { scale } from "./core/scale.js";
import { draw, make, patch, pool, write } from "./core/dom.js";
import { signOf } from "./core/circuit.js";
import { counts, descent, learning, spectrum, tracks } from "./driver/charts.js";
import { Life } from "./driver/life.js";
import { frameOf, mindOf } from "./driver/mind.js";
import { legend, network } from "./driver/network.js";
import { scene } from "./driver/scene.js";

/** Under the slider a tick for the weight of every synapse between neurons: below T it is cut, where its source finds another place. */
const ticks = {
  name: "ticks",
  column: 0,
  title: "",
  compact: true,
  height: () => 16,
  build(svg, { width }, view) {
    const { high } = view.spec.knobs.find(({ name }) => name === "T");
    const mind = mindOf(view.spec);
    const x = scale([0, high], [11, width - 11]);
    const marks = draw(svg, "g");
    let [base, spots] = [null, []];
    return (now, controls) => {
      if (mind.base !== base) {
        base = mind.base;
        spots = Array.from(base.w, (w, k) => [w, base.sign[k], base.source[k]]).filter(
          ([w, , source]) => source >= base.m && w <= high,
        );
      }
      pool(marks, "line", spots, ([w, sign]) => ({
        x1: x(w).toFixed(1),
        x2: x(w).toFixed(1),
        y1: 1,
        y2: 13,
        class: `tickmark ${signOf(sign)}${w < controls.T ? " below" : ""}`,
      }));
      return `The weights of the synapses as ticks: ${spots.filter(([w]) => w < controls.T).length} are below T.`;
    };
  },
};

/** The button that trains: from random weights where nothing is cut, else from the circuit after the event. */
function actions(view) {
  const { life } = view;
  const train = make("button", { type: "button", class: "ltc-play ltc-train" });
  const show = () => {
    const again = view.controls.T > 0;
    write(train, life.training ? "Stop" : again ? "Retrain" : "Train");
    patch(train, { "aria-pressed": String(Boolean(life.training)) });
    const words = again ? "Train the circuit again as it is now" : "Train the circuit from random weights";
    patch(train, { title: life.training ? "Stop the training" : words });
  };
  train.addEventListener("click", () => (life.training ? life.stopTraining() : life.train()));
  life.listeners.add(show);
  show();
  return [train];
}

export const drawing = {
  frame: frameOf,
  life: (view) => new Life(view),
  actions,
  panels: [ticks, scene, network, tracks, spectrum, learning, descent, legend, counts],
};
