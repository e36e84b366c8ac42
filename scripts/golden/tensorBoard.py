"""What TensorBoard reads in event files, for test/unit/tensorBoardFiles.test.ts. Needs the packages tensorboard and pillow.
OMBRE_EVENTS=FOLDER npx vitest run --project unit test/unit/tensorBoardFiles.test.ts leaves the files in an empty folder.
python3 scripts/golden/tensorBoard.py FOLDER then writes test/golden/tensorBoard.json."""
import io
import json
import os
import pathlib
import sys

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.util import tensor_util
from tensorboard.context import RequestContext
from tensorboard.data import provider
from tensorboard.plugins.graph.graphs_plugin import GraphsPlugin
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import api_pb2, backend_context, get_experiment, list_session_groups
from google.protobuf import json_format, text_format
from tensorboard.compat.proto.graph_pb2 import GraphDef

path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'tensorBoard.json'
folder = sys.argv[1]
multiplexer = EventMultiplexer(tensor_size_guidance={'images': 0, 'text': 0, 'scalars': 0, 'histograms': 0})
multiplexer.AddRunsFromDirectory(folder)
multiplexer.Reload()
data = MultiplexerDataProvider(multiplexer, folder)
ctx, everything = RequestContext(), provider.RunTagFilter()


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert('RGBA')).ravel().tolist()


def number(value):
    return 'NaN' if np.isnan(value) else value


found = {}
for run in sorted(multiplexer.Runs()):
    tags = found.setdefault(run, {'tags': {}})['tags']
    for tag in multiplexer.Runs()[run]['tensors']:
        plugin = multiplexer.SummaryMetadata(run, tag).plugin_data.plugin_name
        rows = tags.setdefault(tag, {'plugin': plugin, 'rows': []})['rows']
        for event in multiplexer.Tensors(run, tag):
            value = tensor_util.make_ndarray(event.tensor_proto)
            if plugin == 'images':
                rows.append([event.step, [int(n) for n in value[:2]], [pixels(file) for file in value[2:]]])
            elif plugin == 'text':
                rows.append([event.step, list(value.shape), [text.decode() for text in value.ravel()]])
            elif plugin == 'histograms':
                # Left limit, right limit and number of values of each bucket.
                rows.append([event.step, value[:, 1:].tolist()])
            elif plugin == 'scalars':
                rows.append([event.step, number(float(value))])
    for tag in [tag for tag in tags if tags[tag]['plugin'] in ['hparams', 'graphs']]:
        del tags[tag]

graphs = GraphsPlugin(TBContext(logdir=folder, multiplexer=multiplexer, data_provider=data))
for run, info in graphs.info_impl(ctx, experiment='').items():
    if info['run_graph']:
        text, _ = graphs.graph_impl(ctx, run, None, False, experiment='')
        graph = text_format.Parse(text, GraphDef())
        found[run]['graph'] = [json_format.MessageToDict(node) for node in graph.node]

context = backend_context.Context(TBContext(logdir=folder, multiplexer=multiplexer, data_provider=data))
experiment = get_experiment.Handler(ctx, context, '', api_pb2.GetExperimentRequest(include_metrics=True)).run()
hparams = json_format.MessageToDict(experiment)
request = api_pb2.ListSessionGroupsRequest(start_index=0, slice_size=99, allowed_statuses=[0, 1, 2, 3], include_metrics=True)
groups = list_session_groups.Handler(ctx, context, '', request).run()
sessions = []
for group in groups.session_groups:
    for session in group.sessions:
        sessions.append({
            'name': session.name,
            'status': api_pb2.Status.Name(session.status),
            'hparams': {name: json_format.MessageToDict(value) for name, value in sorted(group.hparams.items())},
            'metrics': [[m.name.group, m.name.tag, number(m.value), m.training_step] for m in session.metric_values],
        })
report = {
    'runs': found,
    'hparams': sorted([h['name'], h.get('type')] for h in hparams.get('hparamInfos', [])),
    'sessions': sorted(sessions, key=lambda s: s['name']),
}
path.write_text(json.dumps(report, sort_keys=True) + '\n')
print(len(found), 'runs', path.stat().st_size, 'bytes')
