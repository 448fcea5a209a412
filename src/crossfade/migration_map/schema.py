"""The migration map's format as models: what pydantic checks, and what editors complete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from crossfade.migration_map.deviations import WHERE_AND_WHEN, DeviationDocument, checked_rule
from crossfade.model import (
    BridgeSettings,
    ContractSettings,
    GatewaySettings,
    GuardName,
    Hooks,
    RecordSettings,
    Stage,
    Waiver,
)

PLANNED_STAGES: Final = ("shadow", "canary", "retired")
"""Stages of the design that this version can't serve yet."""

PLANNED_ROUTE_KEYS: Final = ("percent", "sticky", "fallback", "compare")
"""Keys of a route's table that belong to planned stages."""

STAGES: Final = " or ".join(f'"{stage.value}"' for stage in Stage)
"""The stages as a message names them."""


class RouteDocument(BaseModel):
    """One route: `"native"`, or a table with the key `stage`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: Stage = Field(description="Who answers the route.")
    hooks: Hooks = Field(
        default=Hooks.FLASK,
        description="What a native answer borrows: all that Flask does around the view, or none.",
    )

    guards: tuple[GuardName, ...] = Field(
        default=(),
        description="Decorators of Flask's view whose work the native handler does itself.",
    )

    ignore: tuple[
        Annotated[str, Field(pattern=WHERE_AND_WHEN), AfterValidator(checked_rule)], ...
    ] = Field(
        default=(),
        description="Differences that contracts overlook: body.made_at, status when flask 5xx.",
    )

    receipt: Waiver | None = Field(
        default=None,
        description="Why the route may be native without a receipt, and the last such day.",
    )

    @model_validator(mode="before")
    @classmethod
    def _stage_alone(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"stage": value}
        if isinstance(value, Mapping):
            lists = {key: tuple(each) for key, each in value.items() if isinstance(each, list)}
            return {**value, **lists}  # strict validation of what is no JSON any more
        raise ValueError('a route is a stage ("native") or a table { stage = "native" }')

    @field_validator("stage", mode="before")
    @classmethod
    def _known_stage(cls, value: Any) -> Any:
        if value in PLANNED_STAGES:
            raise ValueError(f'stage "{value}" is not supported yet; use {STAGES}')
        if not isinstance(value, str) or value not in {stage.value for stage in Stage}:
            raise ValueError(f"unknown stage {value!r}; use {STAGES}")
        return value


class MapDocument(BaseModel):
    """The migration map: who answers which route, and the gateway's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="crossfade migration map")

    routes: dict[str, RouteDocument] = Field(
        default_factory=dict,
        description='Route ("GET /users/<int:user_id>") to stage. Flask serves what is not listed.',
    )
    gateway: GatewaySettings = Field(default_factory=GatewaySettings)
    bridge: BridgeSettings = Field(default_factory=BridgeSettings)
    contracts: ContractSettings = Field(default_factory=ContractSettings)
    record: RecordSettings = Field(default_factory=RecordSettings)
    deviations: tuple[DeviationDocument, ...] = Field(
        default=(), description="Differences between the sides that the team has approved."
    )
