"""Writes src/onnx/format/schema.ts: the messages of onnx.proto as descriptor and as TypeScript types.

    python3 scripts/onnxSchema.py

Needs the Python package onnx. Enums become int32, so that unknown values reach the checks. Messages of training and quantization are
left out; the reader skips their fields.
"""

import base64
import pathlib

from google.protobuf import descriptor_pb2
from onnx import onnx_ml_pb2

KEPT = [
    "AttributeProto", "ValueInfoProto", "NodeProto", "ModelProto", "StringStringEntryProto", "GraphProto", "TensorProto",
    "SparseTensorProto", "TensorShapeProto", "TypeProto", "OperatorSetIdProto", "FunctionProto",
]
# Messages that the library makes.
MADE = {"AttributeProto", "ValueInfoProto", "NodeProto", "ModelProto", "GraphProto", "TensorProto"}
DROPPED = {
    "AttributeProto": {"tp", "type_protos", "doc_string", "sparse_tensor", "sparse_tensors", "tensors", "graphs"},
    "ModelProto": {"training_info"},
    "FunctionProto": {"doc_string", "value_info", "metadata_props"},
    "GraphProto": {"quantization_annotation", "value_info"},
    "TensorProto": {"segment", "doc_string"},
    "ValueInfoProto": {"doc_string"},
    "TypeProto": {"sequence_type", "map_type", "optional_type", "sparse_tensor_type", "opaque_type", "denotation"},
}
F = descriptor_pb2.FieldDescriptorProto
# Fields of newer versions than the installed package may have: name, number, label, type, message.
ADDED = {
    "FunctionProto": [("attribute_proto", 11, F.LABEL_REPEATED, F.TYPE_MESSAGE, ".onnx.AttributeProto"), ("overload", 13, F.LABEL_OPTIONAL, F.TYPE_STRING, "")],
    "NodeProto": [("overload", 8, F.LABEL_OPTIONAL, F.TYPE_STRING, "")],
}
SCALARS = {F.TYPE_FLOAT: "number", F.TYPE_DOUBLE: "number", F.TYPE_INT64: "bigint", F.TYPE_UINT64: "bigint", F.TYPE_INT32: "number",
           F.TYPE_STRING: "string", F.TYPE_BYTES: "Uint8Array"}


def reduced() -> descriptor_pb2.FileDescriptorProto:
    full = descriptor_pb2.FileDescriptorProto()
    onnx_ml_pb2.DESCRIPTOR.CopyToProto(full)
    small = descriptor_pb2.FileDescriptorProto(name="onnx.proto", package="onnx", syntax="proto2")
    for message in full.message_type:
        if message.name in KEPT:
            strip(message)
            small.message_type.append(message)
    return small


def strip(message: descriptor_pb2.DescriptorProto) -> None:
    fields = [f for f in message.field if f.name not in DROPPED.get(message.name, set())]
    del message.field[:]
    for field in fields:
        if field.type == F.TYPE_ENUM:
            field.type = F.TYPE_INT32
            field.ClearField("type_name")
        field.ClearField("json_name")
        message.field.append(field)
    for name, number, label, kind, of in ADDED.get(message.name, []):
        if all(f.number != number for f in message.field):
            message.field.add(name=name, number=number, label=label, type=kind, **({"type_name": of} if of else {}))
    del message.enum_type[:]
    del message.reserved_range[:]
    del message.reserved_name[:]
    used = {f.type_name.split(".")[-1] for f in message.field}
    nested = [n for n in message.nested_type if n.name in used]
    del message.nested_type[:]
    for inner in nested:
        strip(inner)
        message.nested_type.append(inner)


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def type_name(field) -> str:
    """`TypeProtoTensor` of `.onnx.TypeProto.Tensor`."""
    return "".join(field.type_name.split(".")[2:])


def type_text(message, name: str, proto: str) -> str:
    lines = [f"export type {name} = Message<'{proto}'> & {{"]
    for index, oneof in enumerate(message.oneof_decl):
        cases = [f"{{ case: '{camel(f.name)}'; value: {SCALARS.get(f.type) or type_name(f)} }}" for f in message.field
                 if f.HasField("oneof_index") and f.oneof_index == index]
        lines.append(f"  {oneof.name}: {' | '.join([*cases, '{ case: undefined; value?: undefined }'])};")
    for field in message.field:
        if field.HasField("oneof_index"):
            continue
        kind = SCALARS.get(field.type) or type_name(field)
        if field.label == F.LABEL_REPEATED:
            lines.append(f"  {camel(field.name)}: {kind}[];")
        else:
            optional = "?" if field.type == F.TYPE_MESSAGE else ""
            lines.append(f"  {camel(field.name)}{optional}: {kind};")
    return "\n".join([*lines, "};"])


def main() -> None:
    file = reduced()
    types, made = [], []
    for index, message in enumerate(file.message_type):
        types.append(type_text(message, message.name, f"onnx.{message.name}"))
        types += [type_text(n, f"{message.name}{n.name}", f"onnx.{message.name}.{n.name}") for n in message.nested_type]
        if message.name in MADE:
            made.append(f"export const {message.name.removesuffix('Proto')}Schema: GenMessage<{message.name}> = messageDesc(file, {index});")
    data = base64.b64encode(file.SerializeToString()).decode().rstrip("=")
    text = "\n\n".join([
        "// The messages of onnx.proto (https://github.com/onnx/onnx, Apache-2.0). scripts/onnxSchema.py writes this file.\n"
        "import type { Message } from '@bufbuild/protobuf';\n"
        "import { type GenMessage, fileDesc, messageDesc } from '@bufbuild/protobuf/codegenv2';",
        *types,
        f"const file = /* @__PURE__ */ fileDesc(\n  // prettier-ignore\n  '{data}',\n);",
        "\n".join(line.replace("= messageDesc", "= /* @__PURE__ */ messageDesc") for line in made),
    ])
    path = pathlib.Path(__file__).parent.parent / "src/onnx/format/schema.ts"
    path.write_text(text + "\n")


if __name__ == "__main__":
    main()
